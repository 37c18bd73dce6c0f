// The rest of Python's standard library, for pages that restored a snapshot: the snapshot has the modules that the client needs.
//
// It comes a second after Python has started, so that the page need not wait for its three megabytes. A module that is imported
// before waits for it.

import { OpenViduError } from './errors.js';

const LATER = 1000; // ms

/** The standard library on its way. */
export class LateLibrary {
  #python;
  #url;
  #isThere = false;

  /**
   * @param {import('pyodide').PyodideInterface} python
   * @param {string} url
   */
  constructor(python, url) {
    this.#python = python;
    this.#url = url;
  }

  /** Load it after what the page loads first, if nothing has needed it by then. */
  async load() {
    await new Promise((resolve) => setTimeout(resolve, LATER));
    if (this.#isThere) return;
    const answer = await fetch(this.#url, { priority: 'low' });
    if (!answer.ok) throw new OpenViduError('GENERIC_ERROR', this.#failure(answer.status));
    this.#put(new Uint8Array(await answer.arrayBuffer()));
  }

  /**
   * Load it at once; nothing else on the page runs meanwhile: Python's `import` cannot wait in another way.
   * @throws {OpenViduError} it cannot be loaded
   */
  loadNow = () => {
    if (this.#isThere) return;
    const request = new XMLHttpRequest();
    // Another URL: in the cache it might wait for an answer that is being loaded, which a page that is blocked does not take.
    request.open('GET', `${this.#url}?now`, false);
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
