// Boots Python in this page: Pyodide and the client's wheel, from the server that this very file came from.
//
// The wheels are unpacked as they are instead of going through Pyodide's package loader, which reads a lock file and
// checks hashes of what our own server has just packed: that is 150 ms of 1.7 s.

import { OpenViduError, whyUnsupported } from './errors.js';

const MANIFEST = new URL('../pyvidu-client/manifest.json', import.meta.url);

const STEPS = ['Asking the server what to load', 'Downloading Python', 'Starting Python', 'Installing pyvidu', 'Ready'];

/**
 * @typedef {object} Progress
 * @property {number} step       from 1
 * @property {number} steps      how many there are
 * @property {string} text       what is going on
 * @property {number} loaded     bytes there already
 * @property {number} total      bytes in all; 0 until it is known
 * @property {boolean} cached    the browser had everything: nothing is downloaded
 */

/**
 * @param {(progress: Progress) => void} tell
 * @returns {Promise<object>} Pyodide, `import pyvidu` being possible
 */
export async function bootPython(tell = () => {}) {
  const reason = whyUnsupported();
  if (reason) throw new OpenViduError('BROWSER_NOT_SUPPORTED', reason);
  const progress = { step: 0, steps: STEPS.length, text: '', loaded: 0, total: 0, cached: false };
  const next = () => tell(Object.assign(progress, { step: progress.step + 1, text: STEPS[progress.step] }));

  next();
  const manifest = await fetchManifest();
  const at = (path) => new URL(path, MANIFEST).href;
  const runtime = at(manifest.pyodide);
  const wheels = Promise.all([...manifest.packages, manifest.wheel].map((path) => download(at(path))));
  const module = import(runtime);
  wheels.catch(() => {}); // reported when they are needed; until then it must not count as an unhandled rejection
  await module;

  progress.total = Object.values(manifest.sizes).reduce((sum, size) => sum + size, 0);
  // The runtime's address changes with its content. If the browser had this part, it has the others.
  progress.cached = performance.getEntriesByName(runtime)[0]?.transferSize === 0;
  next();
  if (!progress.cached) await count(manifest.sizes, at, (bytes) => tell(Object.assign(progress, { loaded: bytes })));

  next();
  const indexURL = new URL('.', runtime).href;
  const { loadPyodide } = await module;
  // Packages that are missing here are missing: without a base Pyodide would ask a public server for them.
  const pyodide = await loadPyodide({ indexURL, packageBaseUrl: indexURL });
  progress.loaded = progress.total;

  next();
  for (const wheel of await wheels) pyodide.unpackArchive(wheel, 'wheel');
  pyodide.runPython('import pyvidu');
  next();
  return pyodide;
}

async function fetchManifest() {
  let answer;
  try {
    answer = await fetch(MANIFEST);
  } catch (error) {
    throw new OpenViduError('GENERIC_ERROR', `pyvidu's server cannot be reached at ${MANIFEST.origin} (${error.message})`);
  }
  if (!answer.ok) throw new OpenViduError('GENERIC_ERROR', await answer.text());
  return answer.json();
}

async function download(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new OpenViduError('GENERIC_ERROR', `${url} could not be loaded (HTTP ${answer.status})`);
  return answer.arrayBuffer();
}

/** Brings every file of `sizes` into the browser's cache, all at once, and tells the bytes as they arrive. */
async function count(sizes, at, tell) {
  let loaded = 0;
  const load = async ([path, size]) => {
    const reader = (await fetch(at(path))).body.getReader();
    let bytes = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      bytes += part.value.length;
      loaded += part.value.length;
      tell(loaded);
    }
    loaded += size - bytes;
  };
  await Promise.all(Object.entries(sizes).map(load));
}
