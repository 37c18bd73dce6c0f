// The rest of Python's standard library, for pages that restored a snapshot: the snapshot has the modules that the client needs.
//
// It comes after Python has started, so that the page need not wait for its three megabytes. A module that is imported before
// waits for it.

import { OpenViduError } from './errors.js';

/** The standard library on its way. */
export class LateLibrary {
  #python;
  #url;
  #isThere = false;
  #loading = new AbortController();

  /**
   * @param {import('pyodide').PyodideInterface} python
   * @param {string} url
   */
  constructor(python, url) {
    this.#python = python;
    this.#url = url;
  }

  /** Load it, after what else the page loads. */
  async load() {
    try {
      const answer = await fetch(this.#url, { priority: 'low', signal: this.#loading.signal });
      if (!answer.ok) throw new OpenViduError('GENERIC_ERROR', this.#failure(answer.status));
      this.#put(new Uint8Array(await answer.arrayBuffer()));
    } catch (error) {
      if (!this.#isThere) throw error;
    }
  }

  /**
   * Load it at once; nothing else on the page runs meanwhile: Python's `import` cannot wait in another way.
   * @throws {OpenViduError} it cannot be loaded
   */
  loadNow = () => {
    if (this.#isThere) return;
    this.#loading.abort(); // its answer would fill a buffer that nothing empties, and the next one might wait for it in the cache
    const request = new XMLHttpRequest();
    request.open('GET', this.#url, false);
    request.overrideMimeType('text/plain; charset=x-user-defined'); // bytes: a request that blocks may return nothing but text
    try {
      request.send();
    } catch {
      // the status is 0 then
    }
    if (request.status !== 200) throw new OpenViduError('GENERIC_ERROR', this.#failure(request.status));
    const text = request.responseText;
    const archive = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at++) archive[at] = text.charCodeAt(at); // its low byte
    this.#put(archive);
  };

  /** @param {Uint8Array} archive */
  #put(archive) {
    if (this.#isThere) return;
    this.#isThere = true;
    this.#python.pyimport('pyvidu_snapshot').take_library(archive);
  }

  /** @param {number} status */
  #failure(status) {
    return `The standard library of Python could not be loaded from ${this.#url} (HTTP ${status})`;
  }
}
