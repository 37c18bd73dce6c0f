// Starts Python in this page: Pyodide and the client's wheel, from the server of this file or from where the page says.
//
// The wheels are unpacked directly, not by Pyodide's package loader, which reads a lock file and checks hashes of what
// our own server has just packed: that takes 150 ms of 1.7 s.

import { assetsFolder } from './assets.js';
import { OpenViduError, messageOf, whyUnsupported } from './errors.js';

/** @import { PyodideInterface } from 'pyodide' */

const STEPS = ['Asking the server what to load', 'Downloading Python', 'Starting Python', 'Installing pyvidu', 'Ready'];

/**
 * @typedef {object} Manifest   what to load; its paths are resolved against its own URL
 * @property {string} pyodide
 * @property {string} wheel
 * @property {string} functions   the module with the client's JavaScript, which a Content-Security-Policy may keep from evaluating
 * @property {string[]} packages
 * @property {Record<string, number>} sizes   bytes by path
 *
 * @typedef {object} Progress
 * @property {number} step       from 1
 * @property {number} steps      how many steps there are
 * @property {string} text       the step in words
 * @property {number} loaded     bytes loaded so far
 * @property {number} total      bytes in all; 0 until it is known
 * @property {boolean} cached    everything is in the browser's cache: nothing is downloaded
 */

/**
 * Start Python and import pyvidu.
 * @param {(progress: Progress) => void} tell
 * @returns {Promise<PyodideInterface>} Pyodide; rejected with an OpenViduError if this browser or the server cannot provide it
 */
export async function bootPython(tell = () => {}) {
  const reason = whyUnsupported();
  if (reason) throw new OpenViduError('BROWSER_NOT_SUPPORTED', reason);
  const progress = { step: 0, steps: STEPS.length, text: '', loaded: 0, total: 0, cached: false };
  const next = () => tell(Object.assign(progress, { step: progress.step + 1, text: STEPS[progress.step] }));

  next();
  const folder = assetsFolder();
  const manifest = await fetchManifest(folder);
  const at = (/** @type {string} */ path) => new URL(path, folder).href;
  const runtime = at(manifest.pyodide);
  const wheels = Promise.all([...manifest.packages, manifest.wheel].map((path) => download(at(path))));
  /** @type {Promise<typeof import('pyodide')>} */
  const module = import(/* webpackIgnore: true */ /* @vite-ignore */ runtime);
  /** @type {Promise<object>} */
  const functions = import(/* webpackIgnore: true */ /* @vite-ignore */ at(manifest.functions));
  for (const early of [wheels, functions]) early.catch(() => {}); // reported when needed, no unhandled rejection until then
  await module;

  progress.total = Object.values(manifest.sizes).reduce((sum, size) => sum + size, 0);
  // The runtime's URL changes with its content, so if this part is in the cache, the others are too.
  const [timing] = performance.getEntriesByName(runtime);
  progress.cached = timing instanceof PerformanceResourceTiming && timing.transferSize === 0;
  next();
  if (!progress.cached) await count(manifest.sizes, at, (bytes) => tell(Object.assign(progress, { loaded: bytes })));

  next();
  const indexURL = new URL('.', runtime).href;
  const { loadPyodide } = await module;
  // Without a base URL Pyodide would fetch packages that are missing here from a public server.
  const pyodide = await loadPyodide({ indexURL, packageBaseUrl: indexURL });
  progress.loaded = progress.total;

  next();
  pyodide.registerJsModule('pyvidu_functions', await functions);
  for (const wheel of await wheels) pyodide.unpackArchive(wheel, 'wheel');
  pyodide.runPython('import pyvidu');
  next();
  return pyodide;
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

/** @param {string} url */
async function download(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new OpenViduError('GENERIC_ERROR', `${url} could not be loaded (HTTP ${answer.status})`);
  return answer.arrayBuffer();
}

/**
 * Load every file of `sizes` into the browser's cache, in parallel, and call `tell` with the bytes loaded so far.
 * @param {Record<string, number>} sizes
 * @param {(path: string) => string} at
 * @param {(loaded: number) => void} tell
 */
async function count(sizes, at, tell) {
  let loaded = 0;
  const load = async (/** @type {[string, number]} */ [path, size]) => {
    const reader = (await fetch(at(path))).body?.getReader();
    let bytes = 0;
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      bytes += part.value.length;
      loaded += part.value.length;
      tell(loaded);
    }
    loaded += size - bytes;
  };
  await Promise.all(Object.entries(sizes).map(load));
}
