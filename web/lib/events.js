// Events and their listeners, with openvidu-browser's methods and fields.

/** Base of every event. `fields` are the properties in the documentation of that event. */
export class Event {
  constructor(type, target, { cancelable = false, ...fields } = {}) {
    this.type = type;
    this.target = target;
    this.cancelable = cancelable;
    this.hasBeenPrevented = false;
    Object.assign(this, fields);
  }

  /** Prevent the event's default action. */
  preventDefault() {
    this.hasBeenPrevented = true;
  }

  isDefaultPrevented() {
    return this.hasBeenPrevented;
  }
}

const classes = new Map();

/**
 * Return the subclass of Event with that name. Python names the classes (`pyvidu/events.py`); they differ in nothing but
 * their fields, so there is no second list of them here.
 * @param {string} name
 * @returns {typeof Event}
 */
export function eventClass(name) {
  if (!classes.has(name)) classes.set(name, { [name]: class extends Event {} }[name]);
  return classes.get(name);
}

export const StreamEvent = eventClass('StreamEvent');
export const StreamManagerEvent = eventClass('StreamManagerEvent');
export const VideoElementEvent = eventClass('VideoElementEvent');

/** Return the event that Python describes. */
export function eventOf(className, type, target, fields) {
  return new (eventClass(className))(type, target, fields);
}

/** Base of Session, Publisher and Subscriber. */
export class EventDispatcher {
  constructor() {
    hidden(this, '_listeners', new Map());
  }

  /** Call `handler` at every event `type`, in the order in which handlers were added. */
  on(type, handler) {
    return this._listen(type, handler, false);
  }

  /** Call `handler` at the next event `type` only. */
  once(type, handler) {
    return this._listen(type, handler, true);
  }

  /** Remove `handler`, or every handler of `type`. */
  off(type, handler) {
    const kept = handler ? (this._listeners.get(type) ?? []).filter((entry) => entry.handler !== handler) : [];
    this._listeners.set(type, kept);
    return this;
  }

  _listen(type, handler, once) {
    const missed = this._missedEvents(type);
    if (!once || !missed.length) {
      this._listeners.set(type, [...(this._listeners.get(type) ?? []), { handler, once }]);
    }
    for (const event of missed) call(handler, event);
    return this;
  }

  /** Return the events of `type` that a handler added after them must still receive. */
  _missedEvents(_type) {
    return [];
  }

  /** Call the handlers of the event's type, then those of `alsoAs`. */
  _emit(event, alsoAs) {
    for (const type of new Set([event.type, alsoAs ?? event.type])) {
      for (const entry of this._listeners.get(type) ?? []) {
        if (entry.once) this.off(type, entry.handler);
        call(entry.handler, event);
      }
    }
  }
}

/** Call a handler; report an exception like any uncaught error, so that the other handlers still run. */
function call(handler, event) {
  try {
    handler(event);
  } catch (error) {
    reportError(error);
  }
}

/** Define a non-enumerable property: frameworks that walk through objects and `console.log` skip it. */
export function hidden(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true });
}
