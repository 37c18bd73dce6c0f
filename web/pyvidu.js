// OpenVidu for pages with no Python of their own. A page written for openvidu-browser changes one line:
//
//     import { OpenVidu } from 'https://your-server/pyvidu.js';
//
// Python (Pyodide and the pyvidu client) boots behind it from the server of this file, beginning with the import.

import { boot } from './lib/bridge.js';

export { OpenVidu } from './lib/openvidu.js';
export { Session } from './lib/session.js';
export { Publisher, StreamManager, Subscriber, VideoInsertMode } from './lib/stream-manager.js';
export { Connection, Stream } from './lib/stream.js';
export { OpenViduError, OpenViduErrorName } from './lib/errors.js';
export { boot };

/** Fulfilled when Python is there; rejected with one clear sentence where it cannot be. */
export const ready = boot();
ready.catch(() => {}); // every call that needs Python reports it
