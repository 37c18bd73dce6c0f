// Where the files are that Python is started with (runtime, wheel, manifest).

import { OpenViduError } from './errors.js';
import { folder, loadedFrom, manifest } from './origin.js';

const DEFAULT_FOLDER = 'pyvidu/';

const CURRENT = 60_000; // milliseconds: a page that stays open longer asks, because the server may be another version by then

const came = performance.now();
/** @type {string | undefined} */
let chosen;
let isInUse = false;

/**
 * Set where `npx pyvidu copy-assets` has put the files that Python is started with: a folder, relative to the page or absolute.
 * Without it the page's `<meta name="pyvidu-assets" content="FOLDER">` is asked, then the folder that pyvidu was loaded from,
 * then, of an application that was built by a bundler, `pyvidu/` under the page's `<base href>` or in its origin's root.
 * Throw an OpenViduError if Python is starting already.
 * @param {{ assets: string | URL }} options
 */
export function configure({ assets }) {
  if (isInUse) {
    throw new OpenViduError('GENERIC_ERROR', 'Python is starting already: call configure() before boot() and `new OpenVidu()`');
  }
  chosen = String(assets);
}

/** Return the URL of the folder, with a slash at its end; what is set afterwards has no effect. */
export function assetsFolder() {
  isInUse = true;
  if (!globalThis.document && isAddress(loadedFrom)) return new URL(folder, loadedFrom).href; // in a worker
  /** @type {HTMLMetaElement | null} */
  const meta = document.querySelector('meta[name="pyvidu-assets"]');
  const named = chosen ?? meta?.content;
  if (named !== undefined) return new URL(named.endsWith('/') ? named : `${named}/`, document.baseURI).href;
  if (isAddress(loadedFrom)) return new URL(folder, loadedFrom).href;
  const hasBase = document.querySelector('base[href]') !== null;
  return new URL(hasBase ? DEFAULT_FOLDER : `/${DEFAULT_FOLDER}`, document.baseURI).href;
}

/**
 * Return what there is in `from`, if the server has said it in this module; undefined if it must be asked.
 * @param {string} from
 */
export function knownManifest(from) {
  const isOurs = isAddress(loadedFrom) && from === new URL(folder, loadedFrom).href;
  return isOurs && performance.now() - came < CURRENT ? manifest : undefined;
}

/**
 * Return whether a page can load from `url`. (webpack replaces `import.meta.url` by a path of the machine that it runs on.)
 * @param {string | undefined} url
 * @returns {url is string}
 */
function isAddress(url) {
  return url !== undefined && (!url.startsWith('file:') || document.baseURI.startsWith('file:'));
}
