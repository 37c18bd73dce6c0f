// Events and their listeners, with openvidu-browser's methods and fields.

import { expect } from './errors.js';

/** @import { Connection, Stream } from './stream.js' */

/** Base of every event. `fields` are the properties in the documentation of that event. */
export class Event {
  /**
   * @param {string} type
   * @param {object} target
   * @param {{ cancelable?: boolean, [field: string]: unknown }} fields
   */
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

  /** Run the default action now, in a handler, instead of after all handlers. */
  callDefaultBehavior() {}
}

/**
 * A subclass of Event whose events have the fields `F`.
 * @template {object} F
 * @typedef {new (type: string, target: object, fields: F) => Event & F} EventClass
 */

/** @type {Map<string, EventClass<any>>} */
const classes = new Map();

/**
 * Return the subclass of Event with that name. Python names the classes (`pyvidu/events.py`); they differ in nothing but
 * their fields. tests/interop/test_parity.py compares the types below with Python's fields.
 * @template {object} F
 * @param {string} name
 * @returns {EventClass<F>}
 */
export function eventClass(name) {
  /** @type {EventClass<any>} */
  const made = classes.get(name) ?? { [name]: class extends Event {} }[name];
  classes.set(name, made);
  return made;
}

/** @type {EventClass<{ connection: Connection, reason: string }>} */
export const ConnectionEvent = eventClass('ConnectionEvent');
/** @type {EventClass<{ connection: Connection, changedProperty: string, newValue: unknown, oldValue: unknown }>} */
export const ConnectionPropertyChangedEvent = eventClass('ConnectionPropertyChangedEvent');
/** @type {EventClass<{ name: string, origin: object, message: string, data?: unknown }>} */
export const ExceptionEvent = eventClass('ExceptionEvent');
/** @type {EventClass<{ data: unknown }>} of a filter, not of a session: `type` is what the filter calls it */
export const FilterEvent = eventClass('FilterEvent');
/** @type {EventClass<{ newValue: number, oldValue: number, connection: Connection, reason?: string, direction?: string }>} */
export const NetworkQualityLevelChangedEvent = eventClass('NetworkQualityLevelChangedEvent');
/** @type {EventClass<{ connection: Connection, streamId: string }>} */
export const PublisherSpeakingEvent = eventClass('PublisherSpeakingEvent');
/** @typedef {'recordingStoppedByServer' | 'sessionClosedByServer' | 'automaticStop' | 'nodeCrashed'} RecordingEventReason */
/** @type {EventClass<{ id: string, name: string, reason?: RecordingEventReason }>} */
export const RecordingEvent = eventClass('RecordingEvent');
/** @type {EventClass<{ reason: string }>} */
export const SessionDisconnectedEvent = eventClass('SessionDisconnectedEvent');
/** @type {EventClass<{ data: string, from?: Connection }>} */
export const SignalEvent = eventClass('SignalEvent');
/** @type {EventClass<{ connection: Connection, text: string, reason: 'recognizing' | 'recognized', raw: string, lang: string }>} */
export const SpeechToTextEvent = eventClass('SpeechToTextEvent');
/** @type {EventClass<{ stream: Stream, reason: string }>} */
export const StreamEvent = eventClass('StreamEvent');
/** @type {EventClass<{ value?: unknown }>} */
export const StreamManagerEvent = eventClass('StreamManagerEvent');
/** @type {EventClass<{ stream: Stream, changedProperty: string, reason: string, newValue: unknown, oldValue: unknown }>} */
export const StreamPropertyChangedEvent = eventClass('StreamPropertyChangedEvent');
/** @type {EventClass<{ element: HTMLVideoElement }>} */
export const VideoElementEvent = eventClass('VideoElementEvent');

/** What `ExceptionEvent.name` may be. */
export const ExceptionEventName = Object.freeze({
  ICE_CANDIDATE_ERROR: 'ICE_CANDIDATE_ERROR',
  ICE_CONNECTION_FAILED: 'ICE_CONNECTION_FAILED',
  ICE_CONNECTION_DISCONNECTED: 'ICE_CONNECTION_DISCONNECTED',
  NO_STREAM_PLAYING_EVENT: 'NO_STREAM_PLAYING_EVENT',
  SPEECH_TO_TEXT_DISCONNECTED: 'SPEECH_TO_TEXT_DISCONNECTED',
});

/**
 * Return the event that Python describes.
 * @param {string} className
 * @param {string} type
 * @param {object} target
 * @param {Record<string, unknown>} fields
 */
export function eventOf(className, type, target, fields) {
  return new (eventClass(className))(type, target, fields);
}

/**
 * A handler gets an event with the fields in the documentation of its type.
 * @typedef {(event: any) => void} Handler
 */

/** Base of Session, Publisher and Subscriber. */
export class EventDispatcher {
  constructor() {
    /** @type {Map<string, { handler: Handler, once: boolean, run: Handler }[]>} */
    this._listeners = new Map();
    hide(this, '_listeners');
  }

  /**
   * Call `handler` at every event `type`, in the order in which handlers were added.
   * @param {string} type
   * @param {Handler} handler
   */
  on(type, handler) {
    return this._listen(type, handler, false);
  }

  /**
   * Call `handler` at the next event `type` only.
   * @param {string} type
   * @param {Handler} handler
   */
  once(type, handler) {
    return this._listen(type, handler, true);
  }

  /**
   * Remove `handler`, or every handler of `type`.
   * @param {string} type
   * @param {Handler} [handler]
   */
  off(type, handler) {
    const kept = handler ? (this._listeners.get(type) ?? []).filter((entry) => entry.handler !== handler) : [];
    this._listeners.set(type, kept);
    if (!kept.length) this._unheard(type);
    return this;
  }

  /**
   * @param {string} type
   * @returns {boolean} whether it has a handler
   */
  _hears(type) {
    return Boolean(this._listeners.get(type)?.length);
  }

  /**
   * Handle that `type` has no handler any more.
   * @param {string} _type
   */
  _unheard(_type) {}

  /**
   * @param {string} type
   * @param {Handler} handler
   * @param {boolean} once
   */
  _listen(type, handler, once) {
    expect(typeof handler === 'function', `A handler of ${type} must be a function, not ${handler}`);
    const missed = this._missedEvents(type);
    if (!once || !missed.length) {
      this._listeners.set(type, [...(this._listeners.get(type) ?? []), { handler, once, run: inZone(handler) }]);
    }
    for (const event of missed) call(handler, event);
    return this;
  }

  /**
   * Return the events of `type` that a handler added after them must still receive.
   * @param {string} _type
   * @returns {unknown[]}
   */
  _missedEvents(_type) {
    return [];
  }

  /**
   * Call the handlers of `firstAs`, if it is given, then those of the event's type.
   * @param {Event} event
   * @param {string} [firstAs]
   */
  _emit(event, firstAs) {
    for (const type of new Set([firstAs ?? event.type, event.type])) this._tell(type, event);
  }

  /**
   * Call the handlers of `type` with anything: openvidu-browser has events without an Event.
   * @param {string} type
   * @param {unknown} [argument]
   */
  _tell(type, argument) {
    for (const entry of this._listeners.get(type) ?? []) {
      if (entry.once) this.off(type, entry.handler);
      call(entry.run, argument);
    }
  }
}

/**
 * Return a function that calls `handler` in the zone of now. Python fires events in the root zone, where Angular (zone.js) would
 * not see that something may have changed.
 * @template {(...args: any[]) => unknown} F
 * @param {F} handler
 * @returns {F}
 */
export function inZone(handler) {
  const zone = /** @type {any} */ (globalThis).Zone?.current;
  return zone ? zone.wrap(handler, 'pyvidu') : handler;
}

/**
 * Call a handler; report an exception like any uncaught error, so that the other handlers still run.
 * @param {Handler} handler
 * @param {unknown} event
 */
export function call(handler, event) {
  try {
    handler(event);
  } catch (error) {
    reportError(error);
  }
}

/**
 * Make properties non-enumerable: frameworks that walk through objects and `console.log` skip them.
 * @template {object} T
 * @param {T} object
 * @param {(keyof T)[]} names
 */
export function hide(object, ...names) {
  for (const name of names) Object.defineProperty(object, name, { enumerable: false });
}
