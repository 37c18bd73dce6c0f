// Python with the client for pages that have Python of their own: from JavaScript,
//
//     import { bootPython } from 'https://your-server/python.js';
//     const python = await bootPython();
//     await python.runPythonAsync('from pyvidu import OpenVidu ...');
//
// and as the `interpreter` of PyScript, which `/pyvidu-client/pyscript.json` names.

import { bootPython } from './lib/boot.js';

export { bootPython };

/** Pyodide's, which PyScript asks for. */
export const version = '314.0.7';

/**
 * Start Python as PyScript does it with Pyodide's own module.
 * @param {import('pyodide').PyodideConfig} [options]   what names other files than this server's is ignored
 */
export function loadPyodide(options = {}) {
  // Where pyvidu cannot work, in a worker for example, the tag's own Python says it, by an exception with what to do.
  return bootPython({ ...options, anywhere: true });
}
