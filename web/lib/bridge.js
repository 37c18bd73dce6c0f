// The only interface between the page's objects and Python's.
//
// Objects on both sides refer to each other only by a number, a handle: so no proxy outlives a call, and Python releases
// an object that the page has garbage-collected. The page has plain objects with plain fields (frameworks may observe
// them), which Python updates before it fires an event.

import { bootPython } from './boot.js';
import { early } from './early.js';
import { OpenViduError, messageOf } from './errors.js';
import { eventOf, hide } from './events.js';

/** @import { PyProxy } from 'pyodide/ffi' */
/** @import { Progress } from './boot.js' */
/** @import { Event } from './events.js' */

/**
 * What Python calls here: `Page` in pyvidu/embedding_values.py. tests/unit/test_embedding.py compares names and parameters of this
 * and of the next two types with Python's.
 * @typedef {object} Page
 * @property {(className: string) => Handle} create
 * @property {(handle: Handle, values: PyProxy, references: PyProxy) => void} update
 * @property {(handle: Handle, className: string, kind: string, values: PyProxy, references: PyProxy) => boolean} dispatch
 */

/**
 * The methods of `Embedding` in pyvidu/embedding.py that return at once.
 * @typedef {object} Calls
 * @property {(handle: Handle) => void} release
 * @property {(handle: Handle) => void} new_openvidu
 * @property {(handle: Handle, configuration: object) => void} configure
 * @property {(handle: Handle, openvidu: Handle) => void} new_session
 * @property {(openvidu: Handle, name: string, run: RunFilter, announce: boolean) => void} register_filter
 * @property {(session: Handle) => void} disconnect
 * @property {(target: Handle) => void} enable_speaking_events
 * @property {(target: Handle) => void} disable_speaking_events
 * @property {(manager: Handle, options: object) => void} speaking_options
 * @property {(manager: Handle) => void} enable_volume_events
 * @property {(session: Handle) => void} reconnect_now
 * @property {(session: Handle) => void} stop_reconnecting
 * @property {(session: Handle) => string} outages
 * @property {(manager: Handle, element: HTMLVideoElement) => void} show_in
 * @property {(manager: Handle, element: HTMLVideoElement) => void} hide
 * @property {(subscriber: Handle, kind: Kind, enabled: boolean) => void} want
 * @property {(publisher: Handle, value: boolean) => void} subscribe_to_remote
 * @property {(manager: Handle) => void} remove_videos
 * @property {(publisher: Handle) => void} dispose_media
 * @property {(manager: Handle) => void} dispose_peer
 * @property {(recorder: Handle) => void} clean_recorder
 * @property {(recorder: Handle) => Blob} recorded
 * @property {(recorder: Handle, parent: HTMLElement) => HTMLVideoElement} preview_recorded
 * @property {(recorder: Handle) => void} download_recorded
 * @property {() => void} call_default_behavior
 * @property {(stream: Handle) => MediaStream | undefined} media_stream
 * @property {(stream: Handle) => RTCPeerConnection | undefined} peer_connection
 */

/**
 * The methods of `Embedding` with one more parameter, `settle`, which is called once, with what they return here or with an
 * error: nothing, its name, its message and the server's code, if any.
 * @typedef {object} Requests
 * @property {(openvidu: Handle, publisher: Handle, stream: Handle, properties: object) => void} init_publisher
 * @property {(openvidu: Handle, properties: object) => MediaStream} get_user_media
 * @property {(openvidu: Handle) => string} browser_support
 * @property {(session: Handle, token: string, data: string) => void} connect
 * @property {(session: Handle, publisher: Handle) => void} publish
 * @property {(session: Handle, publisher: Handle) => void} unpublish
 * @property {(session: Handle, stream: Handle, subscriber: Handle, audio: boolean, video: boolean) => void} subscribe
 * @property {(session: Handle, subscriber: Handle) => void} unsubscribe
 * @property {(session: Handle, data: string, to: string[], kind: string) => void} signal
 * @property {(session: Handle, stream: Handle, lang: string) => void} speech_to_text
 * @property {(session: Handle, connection: Handle) => void} force_disconnect
 * @property {(session: Handle, stream: Handle) => void} force_unpublish
 * @property {(publisher: Handle, kind: Kind, enabled: boolean, resource: boolean | MediaStreamTrack) => void} set_active
 * @property {(publisher: Handle, track: MediaStreamTrack) => void} replace_track
 * @property {(stream: Handle) => void} reconnect
 * @property {(stream: Handle, kind: string, options: string) => void} apply_filter
 * @property {(stream: Handle) => void} remove_filter
 * @property {(applied: Handle, method: string, params: string) => void} exec_method
 * @property {(applied: Handle, event_type: string, listen: boolean) => void} listen_to_filter
 * @property {(stream: Handle) => string} quality
 * @property {(recorder: Handle, openvidu: Handle, stream: Handle, options: object) => void} record
 * @property {(recorder: Handle, call: 'pause' | 'resume' | 'stop') => void} switch_recorder
 * @property {(recorder: Handle, call: 'binary' | 'multipartfile', endpoint: string, headers: object) => string} upload_recorded
 */

/**
 * @typedef {number} Handle
 * @typedef {'audio' | 'video'} Kind
 * @typedef {(track: MediaStreamTrack, options: string) => Promise<MediaStreamTrack>} RunFilter   `options` is JSON text
 * @typedef {Record<string, unknown>} Fields
 *
 * @typedef {object} Shell   an object of the page, with a half of it in Python
 * @property {Handle} _handle
 * @property {(fields: any) => void} [_update]
 * @property {(event: Event) => void} [_dispatch]
 */

/** @type {Map<Handle, WeakRef<Shell>>} */
const shells = new Map();
/** @type {Map<Handle, Shell>} the objects on which Python may fire events */
const pinned = new Map();
/** @type {{ action: () => void, failed: (error: unknown) => void }[]} calls made before Python has started */
const waiting = [];
/** @type {Set<(progress: Progress) => void>} */
const watchers = new Set();
/** @type {Map<string, () => Shell>} by the name of a class, the function that makes one for Python */
const makers = new Map();
let lastHandle = 0;
/** @type {Record<string, (...args: unknown[]) => any> | undefined} the Embedding, see `Calls` and `Requests` */
let python;
/** @type {Promise<void> | undefined} */
let booting;
/** @type {(outcome: Promise<void>) => void} */
let settle = () => {};
/** @type {Promise<void>} settled as the first `boot()` is */
export const started = new Promise((resolve) => { settle = resolve; });
started.catch(() => {}); // no unhandled rejection
/** @type {Progress | undefined} */
let latest;

const forgotten = new FinalizationRegistry((/** @type {Handle} */ handle) => {
  shells.delete(handle);
  python?.release(handle);
});

/**
 * Return a handle for `shell`.
 * @param {Shell} shell
 */
export function register(shell) {
  const handle = ++lastHandle;
  shells.set(handle, new WeakRef(shell));
  forgotten.register(shell, handle);
  return handle;
}

/**
 * Set the function that makes the page's object for an object of a class that Python created.
 * @param {string} className
 * @param {() => Shell} make
 */
export function madeBy(className, make) {
  makers.set(className, make);
}

/**
 * Keep `shell` alive even if the page holds no reference to it, and return whether that is new.
 * @param {Shell} shell
 */
export function pin(shell) {
  const isNew = !pinned.has(shell._handle);
  pinned.set(shell._handle, shell);
  return isNew;
}

/** @param {Shell} shell */
export function unpin(shell) {
  pinned.delete(shell._handle);
}

/**
 * Start Python once, however often this is called.
 * @param {{onProgress?: (progress: Progress) => void}} options
 * @returns {Promise<void>} fulfilled when calls can be made; rejected with an OpenViduError if Python cannot start
 */
export function boot({ onProgress } = {}) {
  if (onProgress) {
    watchers.add(onProgress);
    if (latest) onProgress(latest);
  }
  if (!booting) settle((booting = start()));
  return booting;
}

async function start() {
  try {
    const onProgress = (/** @type {Progress} */ progress) => {
      latest = progress;
      for (const watcher of watchers) watcher(progress);
    };
    const pyodide = await bootPython({ onProgress, library: false, early });
    /** @type {Page} */
    const page = { create, dispatch, update };
    python = pyodide.pyimport('pyvidu.embedding').Embedding(page);
  } catch (error) {
    const message = `Python did not start: ${messageOf(error)}`;
    const told = error instanceof OpenViduError ? error : new OpenViduError('GENERIC_ERROR', message);
    for (const { failed } of waiting.splice(0)) failed(told);
    throw told;
  }
  for (const { action } of waiting.splice(0)) action();
}

/** Return whether Python has started. */
export function isReady() {
  return python !== undefined;
}

/**
 * Run `action` now or, in order, once Python has started; call `failed` with the error if it cannot start.
 * @param {() => void} action
 * @param {(error: unknown) => void} failed
 */
export function whenReady(action, failed = () => {}) {
  if (python) {
    action();
  } else {
    waiting.push({ action, failed });
    boot().catch((error) => {
      // Calls made after the failure fail as well.
      for (const late of waiting.splice(0)) late.failed(error);
    });
  }
}

/**
 * Call a synchronous method of Python's side, in order; return its result, undefined if Python has not started yet.
 * @template {keyof Calls} M
 * @param {M} method
 * @param {Parameters<Calls[M]>} args
 * @returns {ReturnType<Calls[M]> | undefined}
 */
export function tell(method, ...args) {
  let result;
  whenReady(() => {
    result = attempt(method, args);
  });
  return result;
}

/**
 * Return what a synchronous method of Python's side returns now; undefined if Python has not started yet.
 * @template {keyof Calls} M
 * @param {M} method
 * @param {Parameters<Calls[M]>} args
 * @returns {ReturnType<Calls[M]> | undefined}
 */
export function ask(method, ...args) {
  return python ? attempt(method, args) : undefined;
}

/**
 * Call an asynchronous method of Python's side; the promise is rejected with an OpenViduError.
 * @template {keyof Requests} M
 * @param {M} method
 * @param {Parameters<Requests[M]>} args
 * @returns {Promise<ReturnType<Requests[M]>>}
 */
export function request(method, ...args) {
  return new Promise((resolve, reject) => {
    /** @type {(value?: any, name?: string, message?: string, code?: number) => void} */
    const settle = (value, name, message, code) => {
      if (name === undefined) resolve(value);
      else reject(new OpenViduError(name, message, code));
    };
    whenReady(() => {
      try {
        attempt(method, [...args, settle]);
      } catch (error) {
        reject(error);
      }
    }, reject);
  });
}

/**
 * Return a text as it is, anything else as JSON, nothing as ''.
 * @param {unknown} value
 */
export function textOf(value) {
  if (value === undefined || value === null) return '';
  try {
    return typeof value === 'string' ? value : JSON.stringify(value);
  } catch (error) {
    throw new OpenViduError('PUBLISHER_PROPERTIES_ERROR', `This cannot be sent as JSON: ${messageOf(error)}`);
  }
}

/**
 * @param {string} method
 * @param {unknown[]} args
 */
function attempt(method, args) {
  try {
    return python?.[method](...args);
  } catch (error) {
    // The last line of a Python traceback is the exception's type and message.
    const sentence = messageOf(error).trim().split('\n').at(-1)?.replace(/^[\w.]+: /, '');
    throw new OpenViduError('GENERIC_ERROR', sentence);
  }
}

// --- what Python calls --------------------------------------------------------------------------------------------

/** @param {Handle | undefined} handle */
const shellOf = (handle) => (handle === undefined ? undefined : shells.get(handle)?.deref());

/** @type {Page['create']} */
function create(className) {
  const make = makers.get(className);
  if (!make) throw new TypeError(`pyvidu.js has no class for Python's ${className}`);
  return make()._handle;
}

/** @type {Page['update']} */
function update(handle, values, references) {
  const fields = fieldsOf(values, references);
  const shell = shellOf(handle);
  if (shell?._update) shell._update(fields);
  else if (shell) Object.assign(shell, fields);
}

/**
 * Run the page's handlers; return whether one of them prevented the default action.
 * @type {Page['dispatch']}
 */
function dispatch(handle, className, type, values, references) {
  const shell = shellOf(handle);
  if (!shell?._dispatch) return false;
  const event = eventOf(className, type, shell, fieldsOf(values, references));
  // Handlers that have run already must not run again, and those that follow see what it has done.
  event.callDefaultBehavior = () => tell('call_default_behavior');
  hide(event, 'callDefaultBehavior');
  shell._dispatch(event);
  return event.hasBeenPrevented;
}

/**
 * @param {PyProxy} values
 * @param {PyProxy} references
 */
function fieldsOf(values, references) {
  /** @type {Fields} */
  const fields = values.toJs({ dict_converter: Object.fromEntries });
  /** @type {Record<string, Handle | undefined | Handle[]>} */
  const found = references.toJs({ dict_converter: Object.fromEntries });
  for (const [name, handles] of Object.entries(found)) {
    fields[name] = Array.isArray(handles) ? handles.map(shellOf) : shellOf(handles);
  }
  return fields;
}
