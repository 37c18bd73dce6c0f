// One participant's session, with openvidu-browser's methods.

import { ask, isReady, pin, register, request, tell, textOf, unpin } from './bridge.js';
import { DEFAULT_SUBSCRIBER_PROPERTIES as DEFAULTS } from './defaults.js';
import { EarlySocket } from './early.js';
import { OpenViduError, expect } from './errors.js';
import { EventDispatcher, StreamEvent, call, hide } from './events.js';
import { Connection, Stream } from './stream.js';
import { Publisher, Subscriber, elementOf } from './stream-manager.js';

/** @import { Handle, Requests } from './bridge.js' */
/** @import { SubscriberProperties } from './defaults.js' */
/** @import { Event, Handler } from './events.js' */
/** @import { OpenVidu } from './openvidu.js' */
/** @import { Completion, StreamManager, Target } from './stream-manager.js' */

const SPEECH = ['publisherStartSpeaking', 'publisherStopSpeaking'];

/**
 * @typedef {object} Capabilities   what the role of this participant allows it to do
 * @property {boolean} forceDisconnect
 * @property {boolean} forceUnpublish
 * @property {boolean} publish
 * @property {boolean} subscribe
 *
 * @typedef {object} SignalOptions
 * @property {unknown} [data]      a string, or anything that can be serialized as JSON
 * @property {Pick<Connection, 'connectionId'>[]} [to]   everybody by default
 * @property {string} [type]
 */

/**
 * Made by `OpenVidu.initSession`. Beside openvidu-browser's events it fires pyvidu's own: `reconnectionAttempt`, `rejoined`,
 * `streamFrozen`, `streamRecovered`, `streamVideoPaused`, `streamVideoResumed`, `connectionInterrupted`, `connectionRestored`, and `outageSettled` (`event.outage`) once the media of an outage has been verified, both ways,
 * after `reconnected` or `rejoined`.
 */
export class Session extends EventDispatcher {
  /** @param {OpenVidu} openvidu */
  constructor(openvidu) {
    super();
    this._handle = register(this);
    hide(this, '_handle');
    this.openvidu = openvidu;
    /** @type {string | undefined} */
    this.sessionId = undefined;
    /** @type {Connection | undefined} */
    this.connection = undefined;
    /** @type {Capabilities | undefined} */
    this.capabilities = undefined;
    /** @type {StreamManager[]} */
    this.streamManagers = [];
    /** @type {Map<string, Connection>} */
    this.remoteConnections = new Map();
    /** @type {Map<string, boolean>} */
    this.remoteStreamsCreated = new Map();
    this._connected = false;
    /** @type {Stream | undefined} the stream of a `publish` that is under way */
    this._publishing = undefined;
    /** @type {string | undefined} of the last joining */
    this._token = undefined;
    /** @type {EarlySocket | undefined} of a `connect` that was called before Python had started */
    this._early = undefined;
    hide(this, '_connected', '_publishing', '_token', '_early');
    tell('new_session', this._handle, openvidu._handle);
  }

  /**
   * Join. The others receive `metadata` as `connection.data`: a string, or anything that can be serialized as JSON.
   * @param {string} token
   * @param {unknown} [metadata]
   */
  async connect(token, metadata) {
    expect(typeof token === 'string', 'connect needs the token that your backend got from the server, a text');
    const isFirst = pin(this); // its handlers must run even if the page keeps no reference to it
    const before = this.sessionId;
    if (isFirst) this.sessionId = sessionIdIn(token) ?? before; // pages show it while the session is being joined
    /** @type {EarlySocket | undefined} */
    let early;
    try {
      const data = textOf(metadata);
      if (!isReady()) this._early = early = EarlySocket.open(token);
      await request('connect', this._handle, token, data);
      this._token = token;
    } catch (error) {
      if (isFirst) {
        unpin(this);
        this.sessionId = before;
      } // else the session that is connected, or being connected, goes on
      throw error;
    } finally {
      early?.release();
    }
  }

  /** Leave; all events of leaving have been fired when this returns. */
  disconnect() {
    this._early?.release();
    tell('disconnect', this._handle);
  }

  /**
   * Publish. When this returns, `publisher.session`, `publisher.stream.session` and `publisher.stream.connection` are set, and
   * the connection's `stream`; a publishing that fails leaves them as they were.
   * @param {Publisher} publisher
   */
  async publish(publisher) {
    if (!this.sessionConnected()) throw notConnected();
    expect(publisher instanceof Publisher, 'publish takes a Publisher, from initPublisher');
    const { stream } = publisher;
    const { session, stream: { session: ofStream, connection } } = publisher;
    const earlier = this.connection?.stream;
    publisher.session = stream.session = this;
    stream.connection = this.connection;
    this._publishing = stream;
    this._showPublishing();
    try {
      if (!publisher._bound) await publisher._access;
      await request('publish', this._handle, publisher._handle);
    } catch (error) {
      Object.assign(publisher, { session });
      Object.assign(stream, { session: ofStream, connection });
      if (this.connection?.stream === stream) this.connection.stream = earlier;
      throw error;
    } finally {
      if (this._publishing === stream) this._publishing = undefined;
    }
  }

  /** @param {Publisher} publisher */
  async unpublish(publisher) {
    if (!this.sessionConnected()) throw notConnected();
    expect(publisher instanceof Publisher, 'unpublish takes the Publisher that was passed to publish');
    return this._request('unpublish', publisher._handle);
  }

  /**
   * Receive a remote stream, and return its Subscriber at once.
   * @param {Stream} stream
   * @param {Target} [targetElement]   where a `<video>` is created, if anywhere
   * @param {SubscriberProperties | Completion} [properties]
   * @param {Completion} [completionHandler]
   */
  subscribe(stream, targetElement, properties, completionHandler) {
    const handler = typeof properties === 'function' ? properties : completionHandler;
    expect(handler === undefined || typeof handler === 'function', 'The completion handler must be a function');
    if (!this.sessionConnected()) {
      const error = notConnected();
      if (handler) call(handler, error);
      throw error;
    }
    const [subscriber, done] = this._subscribe(stream, targetElement, properties);
    done.then(
      () => handler?.(undefined),
      (error) => (handler ? handler(error) : console.error(error)),
    );
    return subscriber;
  }

  /**
   * Receive a remote stream; return its Subscriber once media has been negotiated.
   * @param {Stream} stream
   * @param {Target} [targetElement]
   * @param {SubscriberProperties} [properties]
   */
  async subscribeAsync(stream, targetElement, properties) {
    if (!this.sessionConnected()) throw notConnected();
    const [subscriber, done] = this._subscribe(stream, targetElement, properties);
    await done;
    return subscriber;
  }

  /** @param {Subscriber} subscriber */
  async unsubscribe(subscriber) {
    if (!this.sessionConnected()) throw notConnected();
    expect(subscriber instanceof Subscriber, 'unsubscribe takes a Subscriber, from subscribe');
    return this._request('unsubscribe', subscriber._handle);
  }

  /**
   * Send `data` to the connections in `to` (copies do as well), or to everybody.
   * @param {SignalOptions} options
   */
  async signal({ data, to, type } = {}) {
    if (!this.sessionConnected()) throw notConnected();
    expect(to === undefined || to === null || Array.isArray(to), 'to must be an array of connections');
    expect(typeof (type ?? '') === 'string', 'type must be a text');
    const receivers = (to ?? []).map((connection) => connection?.connectionId).filter(Boolean);
    return this._request('signal', textOf(data), receivers, type ?? '');
  }

  /**
   * Receive what is said in a stream as text, in `speechToTextMessage` (OpenVidu Pro).
   * @param {Stream} stream
   * @param {string} lang   such as `en-US`
   */
  async subscribeToSpeechToText(stream, lang) {
    if (!this.sessionConnected()) throw notConnected();
    expect(stream instanceof Stream && typeof lang === 'string' && lang, 'subscribeToSpeechToText takes a Stream and its language');
    return this._request('speech_to_text', stream._handle, lang);
  }

  /** @param {Stream} stream */
  async unsubscribeFromSpeechToText(stream) {
    if (!this.sessionConnected()) throw notConnected();
    expect(stream instanceof Stream, 'unsubscribeFromSpeechToText takes a Stream');
    return this._request('speech_to_text', stream._handle, '');
  }

  /** @param {Connection} connection */
  async forceDisconnect(connection) {
    if (!this.sessionConnected()) throw notConnected();
    expect(connection instanceof Connection, 'forceDisconnect takes a Connection of this session');
    return this._request('force_disconnect', connection._handle);
  }

  /** @param {Stream} stream */
  async forceUnpublish(stream) {
    if (!this.sessionConnected()) throw notConnected();
    expect(stream instanceof Stream, 'forceUnpublish takes a Stream of this session');
    return this._request('force_unpublish', stream._handle);
  }

  // --- not in openvidu-browser ---

  /** During an outage: start an attempt at once, without waiting for the delay. */
  reconnectNow() {
    tell('reconnect_now', this._handle);
  }

  /** During an outage: stop the attempts; `sessionDisconnected` follows with reason `networkDisconnect`. */
  stopReconnecting() {
    tell('stop_reconnecting', this._handle);
  }

  /** Return the records of this session's last hundred outages, oldest first. */
  get outages() {
    return JSON.parse(ask('outages', this._handle) ?? '[]');
  }

  // --- internal ---

  /** Return whether the session is connected, or is coming back after a drop. */
  sessionConnected() {
    return this._connected;
  }

  /**
   * Request something of Python's half; rejected unless the session is connected.
   * @template {keyof Requests} M
   * @param {M} method
   * @param {Parameters<Requests[M]> extends [Handle, ...infer R] ? R : never} args
   * @returns {Promise<ReturnType<Requests[M]>>}
   */
  async _request(method, ...args) {
    if (!this.sessionConnected()) throw notConnected();
    const all = /** @type {Parameters<Requests[M]>} */ (/** @type {unknown} */ ([this._handle, ...args]));
    return request(method, ...all);
  }

  /** Python knows a stream that waits for its devices as none of this participant's yet. */
  _showPublishing() {
    if (this._publishing && this.connection) this.connection.stream = this._publishing;
  }

  /**
   * Add a handler. Speech is detected only once a handler for it has been added.
   * @override
   * @param {string} type
   * @param {Handler} handler
   * @param {boolean} once
   */
  _listen(type, handler, once) {
    if (SPEECH.includes(type)) tell('enable_speaking_events', this._handle);
    return super._listen(type, handler, once);
  }

  /**
   * Detect speech only in the streams that have a handler for it, once this has none.
   * @override
   * @param {string} type
   */
  _unheard(type) {
    if (!SPEECH.includes(type) || SPEECH.some((heard) => this._hears(heard))) return;
    tell('disable_speaking_events', this._handle);
    for (const manager of this.streamManagers) manager._unheard(type);
  }

  /**
   * @param {Stream} stream
   * @param {Target} targetElement
   * @param {SubscriberProperties | Completion} [properties]
   * @returns {[Subscriber, Promise<void>]}
   */
  _subscribe(stream, targetElement, properties) {
    /** @type {SubscriberProperties} */
    expect(stream instanceof Stream, 'subscribe takes a Stream, from streamCreated');
    const given = Object(properties);
    const {
      insertMode = DEFAULTS.insertMode,
      subscribeToAudio = DEFAULTS.subscribeToAudio,
      subscribeToVideo = DEFAULTS.subscribeToVideo,
    } = given;
    const subscriber = new Subscriber(stream, { insertMode, subscribeToAudio, subscribeToVideo });
    const done = request('subscribe', this._handle, stream._handle, subscriber._handle, subscribeToAudio, subscribeToVideo);
    subscriber._bind();
    const target = targetElement && elementOf(targetElement);
    subscriber.targetElement = target || undefined;
    if (target) subscriber.createVideoElement(target, insertMode);
    else if (targetElement) console.warn(`pyvidu: there is no element ${targetElement} to put a video in`);
    done.catch(() => subscriber._abandon());
    return [subscriber, done];
  }

  /**
   * Handle an event that Python fires on this session.
   * @param {Event} event
   */
  _dispatch(event) {
    if (event instanceof StreamEvent && event.stream.streamId) {
      if (event.type === 'streamCreated') this.remoteStreamsCreated.set(event.stream.streamId, true);
      if (event.type === 'streamDestroyed') this.remoteStreamsCreated.delete(event.stream.streamId);
    }
    if (event.type === 'broadcastStarted' || event.type === 'broadcastStopped') {
      this._tell(event.type); // without an Event, as in openvidu-browser
      return;
    }
    if (event.type === 'connectionCreated') this._connected = true;
    if (event.type === 'sessionDisconnected') {
      this._connected = false;
      unpin(this);
    }
    this._emit(event, event.type.startsWith('signal:') ? 'signal' : undefined);
    if (event.type === 'sessionDisconnected' && !event.hasBeenPrevented) {
      this.streamManagers = [];
      this.remoteConnections.clear();
      this.remoteStreamsCreated.clear();
    }
  }

  /** @param {{ remoteConnections: Connection[] }} fields */
  _update({ remoteConnections, ...fields }) {
    Object.assign(this, fields);
    this._showPublishing();
    this.remoteConnections = new Map(remoteConnections.map((connection) => [connection.connectionId, connection]));
    for (const { stream } of remoteConnections) {
      if (!stream) continue;
      stream.session = this;
      if (stream.streamId) this.remoteStreamsCreated.set(stream.streamId, true);
    }
  }
}

/** Return the error of calls that need a connected session. */
function notConnected() {
  return new OpenViduError('OPENVIDU_NOT_CONNECTED', 'The session is not connected: await session.connect(token) first');
}

/**
 * Return the id of the session in a token, which is a URL; undefined if it has none.
 * @param {string} token
 */
function sessionIdIn(token) {
  try {
    return new URL(token).searchParams.get('sessionId') ?? undefined;
  } catch {
    return undefined; // Python says what is wrong with it
  }
}


