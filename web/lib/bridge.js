// The one door between the page's objects and Python's.
//
// Objects on both sides know each other by a number, a handle, and nothing else: so no proxy outlives a call, and a
// session that the page has let go of is let go of in Python too. What the page sees are plain objects with plain
// fields (frameworks may observe them), which Python updates before it tells of an event.

import { bootPython } from './boot.js';
import { OpenViduError } from './errors.js';
import { eventOf, hidden } from './events.js';

const shells = new Map(); // handle -> WeakRef of the page's object
const pinned = new Map(); // handle -> the object itself, while Python has events for it
const waiting = []; // what the page did before Python was there
const watchers = new Set();
const makers = new Map(); // name of a class -> how to make one for Python
let lastHandle = 0;
let python; // pyvidu.embedding.Embedding
let booting;
let latest;

const forgotten = new FinalizationRegistry((handle) => {
  shells.delete(handle);
  python?.release(handle);
});

/** Gives `shell` a handle. */
export function register(shell) {
  const handle = ++lastHandle;
  hidden(shell, '_handle', handle);
  shells.set(handle, new WeakRef(shell));
  forgotten.register(shell, handle);
}

/** Says how Python's objects of a class look like in the page. */
export function madeBy(className, make) {
  makers.set(className, make);
}

/** Keeps `shell` alive although the page may not. */
export function pin(shell) {
  pinned.set(shell._handle, shell);
}

export function unpin(shell) {
  pinned.delete(shell._handle);
}

/**
 * Starts Python, once, however often it is called.
 * @param {{onProgress?: (progress: import('./boot.js').Progress) => void}} options
 * @returns {Promise<void>} settles when calls can be made
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

/** Does `action` now, or in its turn when Python is there; `failed` is called if it will never be there. */
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

/** Calls a method of Python's side that returns at once, in its turn; the result if Python is there. */
export function tell(method, ...args) {
  let result;
  whenReady(() => {
    result = attempt(method, args);
  });
  return result;
}

/** Asks for what Python knows now; undefined before it is there. */
export function ask(method, ...args) {
  return python ? attempt(method, args) : undefined;
}

/** Calls a method of Python's side that takes its time. */
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
    // The last line of a Python traceback is the exception and its sentence.
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

/** Runs the page's handlers; true if one of them prevented the default action. */
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
