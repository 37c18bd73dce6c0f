// How this copy came into the page. The only module of which the npm package, and the files that our server makes of all modules,
// have versions of their own, because no bundler takes `import.meta` well (pyvidu/server/http/bundle.py).

/** @import { Manifest } from './boot.js' */

/** @type {string | undefined} the URL that `folder` is relative to; undefined in what a bundler has built */
export const loadedFrom = import.meta.url;

/** Where what Python is started with lies, from `loadedFrom`. */
export const folder = '../pyvidu-client/';

/** Whether Python starts when this is loaded; otherwise with the first `new OpenVidu()`. */
export const startsAtOnce = true;

/** @type {Manifest | undefined} what lies in `folder`, if our server has written it into this copy */
export const manifest = undefined;
