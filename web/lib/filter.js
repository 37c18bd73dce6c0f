// The filter of a stream. Python knows which one a stream has, and tells it to the server; here are openvidu-browser's methods.

import { register, request, textOf } from './bridge.js';
import { expect } from './errors.js';
import { call, hide, inZone } from './events.js';

/** @import { Event, Handler } from './events.js' */
/** @import { Stream } from './stream.js' */

/**
 * A filter of the media server, or one of the page (`OpenVidu.registerFilter`). `stream.applyFilter` returns it. It stays the same
 * object when a method is called, whoever calls it.
 */
export class Filter {
  /**
   * @param {string} type
   * @param {object} [options]   those of a filter of this type
   */
  constructor(type, options) {
    this._handle = register(this);
    this.type = type;
    /** @type {object} */
    this.options = options ?? {};
    /** @type {{ method: string, params: object } | undefined} */
    this.lastExecMethod = undefined;
    /** @type {Map<string, Handler>} */
    this.handlers = new Map();
    /** @type {Stream | undefined} */
    this.stream = undefined;
    hide(this, '_handle', 'handlers', 'stream'); // the last leads to every other object
  }

  /**
   * Call a method of the filter.
   * @param {string} method
   * @param {object | string} [params]   or the JSON text of an object
   */
  async execMethod(method, params) {
    this._need();
    expect(typeof method === 'string', 'execMethod takes the name of a method, a text');
    return request('exec_method', this._handle, method, textOf(params) || '{}');
  }

  /**
   * Call `handler` with a FilterEvent at every event of a type, in place of the handler that there was.
   * @param {string} eventType
   * @param {Handler} handler
   */
  async addEventListener(eventType, handler) {
    this._need();
    expect(typeof handler === 'function', `A handler of ${eventType} must be a function, not ${handler}`);
    await request('listen_to_filter', this._handle, String(eventType), true);
    this.handlers.set(eventType, inZone(handler));
  }

  /**
   * Call the handler of a type of events no more.
   * @param {string} eventType
   */
  async removeEventListener(eventType) {
    this._need();
    await request('listen_to_filter', this._handle, String(eventType), false);
    this.handlers.delete(eventType);
  }

  /** Throw unless it is the filter of a stream. */
  _need() {
    expect(this.stream?.filter === this, `This ${this.type} is no filter of a stream (any more): use stream.filter`);
  }

  /**
   * Handle an event that Python fires on this filter.
   * @param {Event} event
   */
  _dispatch(event) {
    const handler = this.handlers.get(event.type);
    if (handler) call((told) => handler.call(this.stream?.session, told), event);
  }
}
