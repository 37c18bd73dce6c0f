// How this copy came into the page. The only module of which the npm package and the classic script have versions of their own,
// because no bundler takes `import.meta` well (pyvidu/server/http/bundle.py).

/** @type {string | undefined} the URL that `folder` is relative to; undefined in what a bundler has built */
export const loadedFrom = import.meta.url;

/** Where what Python is started with lies, from `loadedFrom`. */
export const folder = '../pyvidu-client/';

/** Whether Python starts when this is loaded; otherwise with the first `new OpenVidu()`. */
export const startsAtOnce = true;
