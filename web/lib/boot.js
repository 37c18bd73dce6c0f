// Starts Python in this page: Pyodide with the client imported, from the server of this file or from where the page says.
//
// With a memory snapshot of the server's, Python is there as soon as Pyodide's WebAssembly is. Without one, and whenever a
// snapshot cannot be used, Python starts plainly: it initializes itself and imports the client from its wheel, which is
// unpacked directly, because Pyodide's package loader reads a lock file and checks hashes of what our own server has packed.

import { assetsFolder, knownManifest } from './assets.js';
import { Downloads } from './download.js';
import { OpenViduError, messageOf, whyUnsupported } from './errors.js';
import { LateLibrary } from './library.js';
import { Snapshot } from './snapshot.js';

/** @import { PyodideInterface } from 'pyodide' */
/** @import { Module } from './snapshot.js' */

const CLIENT = '/lib/pyvidu-client.zip'; // where a snapshot has it; vendoring/snapshot.mjs

const ASK = 'Asking the server what to load';
const STEPS = [ASK, 'Downloading Python', 'Starting Python', 'Installing pyvidu', 'Ready'];
const STEPS_OF_SNAPSHOT = [ASK, 'Downloading Python', 'Starting Python', 'Ready'];

/**
 * @typedef {object} Manifest   what to load; its paths are resolved against its own URL
 * @property {string} pyodide
 * @property {string} runtime    the folder with the rest of Pyodide
 * @property {string} wheel
 * @property {string} functions   the module with the client's JavaScript, which a Content-Security-Policy may keep from evaluating
 * @property {string[]} packages
 * @property {{path: string, key: string} | null} snapshot
 * @property {string} lock        Pyodide's list of the packages beside it
 * @property {Record<string, number>} sizes   bytes by path
 *
 * @typedef {object} Progress
 * @property {number} step       from 1
 * @property {number} steps      how many steps there are
 * @property {string} text       the step in words
 * @property {number} loaded     bytes loaded so far
 * @property {number} total      bytes in all; 0 until it is known
 * @property {boolean} cached    everything is in the browser's cache: nothing is downloaded
 *
 * @typedef {object} BootOptions
 * @property {(progress: Progress) => void} [onProgress]   called whenever something has changed
 * @property {boolean} [library]   false: only the modules that the client imports are there, not all of the standard library
 * @property {boolean} [anywhere]  true: start Python also where it cannot make calls, to let Python say so
 * @property {object} [early]      what Python takes over, see functions.js
 */

/**
 * Start Python and import pyvidu.
 * @param {BootOptions & import('pyodide').PyodideConfig} options   also Pyodide's own: `stdout`, `env`...
 * @returns {Promise<PyodideInterface>} Pyodide; rejected with an OpenViduError if this browser or the server cannot provide it
 */
export async function bootPython({ onProgress = () => {}, library = true, anywhere = false, early, ...options } = {}) {
  const reason = whyUnsupported();
  if (reason && !anywhere) throw new OpenViduError('BROWSER_NOT_SUPPORTED', reason);
  const boot = new Boot(onProgress, options, early);
  const manifest = await boot.ask();
  if (manifest.snapshot && !reason) {
    try {
      return await boot.restore(manifest, manifest.snapshot, library);
    } catch (error) {
      console.warn(`The memory snapshot of Python cannot be used (${messageOf(error)}), so Python starts without it.`);
    }
  }
  return boot.start(manifest);
}

class Boot {
  /** @type {Progress} */
  #progress = { step: 0, steps: STEPS.length, text: '', loaded: 0, total: 0, cached: false };
  #folder = assetsFolder();
  /** @type {Downloads | undefined} the files of the start at hand */
  #downloads;
  #tell;
  #options;
  #early;

  /**
   * @param {(progress: Progress) => void} tell
   * @param {import('pyodide').PyodideConfig} options
   * @param {object} [early]
   */
  constructor(tell, options, early) {
    this.#tell = tell;
    this.#options = options;
    this.#early = early;
  }

  async ask() {
    this.#reached(STEPS, ASK);
    return knownManifest(this.#folder) ?? fetchManifest(this.#folder);
  }

  /**
   * Start Python without a snapshot.
   * @param {Manifest} manifest
   */
  async start(manifest) {
    const files = [...manifest.packages, manifest.wheel];
    const archive = `${manifest.runtime}python_stdlib.zip`;
    const { downloads, pyodide, functions } = this.#load(manifest, STEPS, [...files, archive]);
    const wheels = Promise.all(files.map((path) => downloads.bytes(path)));
    wheels.catch(() => {}); // reported when needed, no unhandled rejection until then
    const python = await pyodide(downloads.response(archive), (create) => create(), {});
    this.#reached(STEPS, 'Installing pyvidu');
    python.registerJsModule('pyvidu_functions', await functions);
    for (const wheel of await wheels) python.unpackArchive(wheel, 'wheel');
    python.runPython('import pyvidu');
    this.#reached(STEPS, 'Ready');
    return python;
  }

  /**
   * @param {Manifest} manifest
   * @param {{path: string, key: string}} wanted
   * @param {boolean} library
   */
  async restore(manifest, wanted, library) {
    const { downloads, pyodide, functions } = this.#load(manifest, STEPS_OF_SNAPSHOT, [wanted.path, manifest.wheel]);
    const snapshot = downloads.bytes(wanted.path).then((bytes) => new Snapshot(bytes, wanted.key));
    const wheel = downloads.bytes(manifest.wheel);
    for (const early of [snapshot, wheel]) early.catch(() => {});
    const references = Snapshot.references();
    const ours = /** @type {any} */ (await functions);
    const options = {
      _loadSnapshot: references,
      _snapshotDeserializer: (/** @type {string[]} */ names) => names.reduce((value, name) => value[name], ours),
    };
    /** @type {Module | undefined} */
    let module;
    const python = await pyodide(
      Promise.resolve(new Response(new ArrayBuffer(0))), // in place of the standard library: what the client needs is imported
      async (create) => {
        module = /** @type {Module} */ (await create());
        (await snapshot).fill(references);
        (await snapshot).write(module);
        return module;
      },
      options,
    );
    // Only tracebacks need it: all of it is imported.
    wheel.then((bytes) => python.FS.writeFile(CLIENT, bytes), () => {});
    const late = library ? new LateLibrary(python, new URL(`${manifest.runtime}python_stdlib.zip`, this.#folder).href) : null;
    python.pyimport('pyvidu_snapshot').restored(late?.loadNow);
    late?.load().catch((error) => console.warn(`${messageOf(error)}; it is tried again when Python imports from it.`));
    this.#reached(STEPS_OF_SNAPSHOT, 'Ready');
    return python;
  }

  /**
   * Load what every boot needs; `pyodide` starts it.
   * @param {Manifest} manifest
   * @param {string[]} steps
   * @param {string[]} files   further ones
   */
  #load({ pyodide: loader, runtime, sizes, lock, functions }, steps, files) {
    const [wasm, script] = [`${runtime}pyodide.asm.wasm`, `${runtime}pyodide.asm.mjs`];
    const total = [loader, wasm, script, ...files].reduce((sum, path) => sum + (sizes[path] ?? 0), 0);
    Object.assign(this.#progress, { text: '', loaded: 0, total }); // told from the beginning, whatever was told before
    const at = (/** @type {string} */ path) => new URL(path, this.#folder).href;
    const downloads = new Downloads(sizes, at, () => {
      if (downloads !== this.#downloads) return; // of a start that was given up
      const progress = this.#progress;
      progress.loaded = downloads.loaded;
      if (progress.loaded >= progress.total) this.#reached(steps, 'Starting Python');
      else this.#tell(progress);
    });
    this.#downloads = downloads;
    const compiled = downloads.response(wasm);
    const [module, created] = [downloads.module(loader), downloads.module(script)];
    const ours = downloads.module(functions).then((found) => {
      if (this.#early) found.default.early = this.#early;
      return found;
    });
    for (const early of [compiled, module, created, ours]) early.catch(() => {});
    this.#reached(steps, 'Downloading Python');
    const indexURL = at(runtime);
    const pyodide = async (
      /** @type {Promise<Response>} */ library,
      /** @type {(create: () => Promise<unknown>) => Promise<unknown>} */ make,
      /** @type {object} */ options,
    ) => {
      library.catch(() => {});
      const { loadPyodide } = await module;
      // The runtime's URL changes with its content, so if this part is in the cache, the others are too.
      const [timing] = performance.getEntriesByName(at(loader));
      this.#progress.cached = timing instanceof PerformanceResourceTiming && timing.transferSize === 0;
      const { default: create } = await created;
      const answers = new Map([[at(wasm), compiled], [`${at(runtime)}python_stdlib.zip`, library]]);
      const loading = handing(answers, () => loadPyodide({
        ...this.#options,
        indexURL,
        packageBaseUrl: indexURL, // else Pyodide would fetch packages that are missing here from a public server
        lockFileContents: lock,
        createPyodideModule: (/** @type {unknown} */ settings) => make(() => create(settings)),
        ...options,
      }));
      return Promise.race([loading, downloads.failure]);
    };
    return { downloads, pyodide, functions: ours };
  }

  /**
   * @param {string[]} steps
   * @param {string} text
   */
  #reached(steps, text) {
    if (this.#progress.text === text) return;
    performance.mark(`pyvidu: ${text}`);
    this.#tell(Object.assign(this.#progress, { step: steps.indexOf(text) + 1, steps: steps.length, text }));
  }
}

/**
 * Return what `load` returns, which gets `answers` when it calls `fetch`: Pyodide has no other way to take over a download that
 * has begun. It fetches before it awaits anything that takes time, so nothing else on the page sees this.
 * @template T
 * @param {Map<string, Promise<Response>>} answers   by URL; each is handed out once
 * @param {() => Promise<T>} load
 */
async function handing(answers, load) {
  const { fetch } = globalThis;
  const left = new Map(answers);
  globalThis.fetch = (input, ...options) => {
    const url = input instanceof Request ? input.url : String(input);
    const answer = left.get(url);
    if (!answer) return fetch(input, ...options);
    left.delete(url);
    if (left.size === 0) globalThis.fetch = fetch;
    return answer;
  };
  try {
    return await load();
  } finally {
    if (left.size > 0) globalThis.fetch = fetch;
  }
}

/**
 * @param {string} folder
 * @returns {Promise<Manifest>}
 */
async function fetchManifest(folder) {
  let answer;
  try {
    answer = await fetch(new URL('manifest.json', folder));
  } catch (error) {
    throw new OpenViduError('GENERIC_ERROR', `pyvidu's server cannot be reached at ${new URL(folder).origin} (${messageOf(error)})`);
  }
  if (answer.status === 503) throw new OpenViduError('GENERIC_ERROR', await answer.text()); // our server says what it lacks
  try {
    if (answer.ok) return await answer.json();
  } catch {
    // a page instead of a file: single-page applications answer any address with one
  }
  const advice = 'put them there with `npx pyvidu copy-assets`, or say where they are with configure({ assets: URL })';
  throw new OpenViduError('GENERIC_ERROR', `The files of pyvidu are not at ${folder} (HTTP ${answer.status}): ${advice}`);
}
