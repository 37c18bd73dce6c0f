// The only interface between the page's objects and Python's.
//
// Objects on both sides refer to each other only by a number, a handle: so no proxy outlives a call, and Python releases
// an object that the page has garbage-collected. The page has plain objects with plain fields (frameworks may observe
// them), which Python updates before it fires an event.

import { bootPython } from './boot.js';
import { OpenViduError } from './errors.js';
import { eventOf, hidden } from './events.js';

const shells = new Map(); // handle -> WeakRef of the page's object
const pinned = new Map(); // handle -> the object itself, while Python may fire events on it
const waiting = []; // calls made before Python has started
const watchers = new Set();
const makers = new Map(); // name of a class -> function that makes one for Python
let lastHandle = 0;
let python; // pyvidu.embedding.Embedding
let booting;
let latest;

const forgotten = new FinalizationRegistry((handle) => {
  shells.delete(handle);
  python?.release(handle);
});

/** Give `shell` a handle. */
export function register(shell) {
  const handle = ++lastHandle;
  hidden(shell, '_handle', handle);
  shells.set(handle, new WeakRef(shell));
  forgotten.register(shell, handle);
}

/** Set the function that makes the page's object for an object of a class that Python created. */
export function madeBy(className, make) {
  makers.set(className, make);
}

/** Keep `shell` alive even if the page holds no reference to it. */
export function pin(shell) {
  pinned.set(shell._handle, shell);
}

export function unpin(shell) {
  pinned.delete(shell._handle);
}

/**
 * Start Python once, however often this is called.
 * @param {{onProgress?: (progress: import('./boot.js').Progress) => void}} options
 * @returns {Promise<void>} fulfilled when calls can be made; rejected with an OpenViduError if Python cannot start
 */
export function boot({ onProgress } = {}) {
  if (onProgress) {
    watchers.add(onProgress);
    if (latest) onProgress(latest);
  }
  booting ??= start();
  return booting;
}

async function start() {
  try {
    const pyodide = await bootPython((progress) => {
      latest = progress;
      for (const watcher of watchers) watcher(progress);
    });
    python = pyodide.pyimport('pyvidu.embedding').Embedding({ create, dispatch, update });
  } catch (error) {
    const told = error instanceof OpenViduError ? error : new OpenViduError('GENERIC_ERROR', `Python did not start: ${error.message}`);
    for (const { failed } of waiting.splice(0)) failed(told);
    throw told;
  }
  for (const { action } of waiting.splice(0)) action();
}

/** Run `action` now or, in order, once Python has started; call `failed` with the error if it cannot start. */
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

/** Call a synchronous method of Python's side, in order; return its result, undefined if Python has not started yet. */
export function tell(method, ...args) {
  let result;
  whenReady(() => {
    result = attempt(method, args);
  });
  return result;
}

/** Return what a synchronous method of Python's side returns now; undefined if Python has not started yet. */
export function ask(method, ...args) {
  return python ? attempt(method, args) : undefined;
}

/** Call an asynchronous method of Python's side; the promise is rejected with an OpenViduError. */
export function request(method, ...args) {
  return new Promise((resolve, reject) => {
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

function attempt(method, args) {
  try {
    return python[method](...args);
  } catch (error) {
    // The last line of a Python traceback is the exception's type and message.
    const sentence = error.message.trim().split('\n').at(-1).replace(/^[\w.]+: /, '');
    throw new OpenViduError('GENERIC_ERROR', sentence);
  }
}

// --- what Python calls --------------------------------------------------------------------------------------------

const shellOf = (handle) => (handle === undefined ? undefined : shells.get(handle)?.deref());

function create(className) {
  return makers.get(className)()._handle;
}

function update(handle, values, references) {
  const fields = fieldsOf(values, references);
  const shell = shellOf(handle);
  if (shell) shell._update ? shell._update(fields) : Object.assign(shell, fields);
}

/** Run the page's handlers; return whether one of them prevented the default action. */
function dispatch(handle, className, type, values, references) {
  const shell = shellOf(handle);
  if (!shell) return false;
  const event = eventOf(className, type, shell, fieldsOf(values, references));
  shell._dispatch(event);
  return event.hasBeenPrevented;
}

function fieldsOf(values, references) {
  const fields = values.toJs({ dict_converter: Object.fromEntries });
  const found = references.toJs({ dict_converter: Object.fromEntries });
  for (const [name, handles] of Object.entries(found)) {
    fields[name] = Array.isArray(handles) ? handles.map(shellOf) : shellOf(handles);
  }
  return fields;
}
