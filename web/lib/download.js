// The files of a boot, loaded side by side and counted as they come.

import { OpenViduError } from './errors.js';

/** Loads files, each once. */
export class Downloads {
  /** Bytes loaded so far. */
  loaded = 0;
  /** Rejected when a response that was handed on breaks off: Pyodide would wait for ever. @type {Promise<never>} */
  failure;
  /** @type {(error: unknown) => void} */
  #fail = () => {};
  #sizes;
  #at;
  #tell;

  /**
   * @param {Record<string, number>} sizes   bytes by path, after decompression
   * @param {(path: string) => string} at    the URL of a path
   * @param {() => void} tell                called when `loaded` has changed
   */
  constructor(sizes, at, tell) {
    this.failure = new Promise((_, reject) => { this.#fail = reject; });
    this.failure.catch(() => {});
    this.#sizes = sizes;
    this.#at = at;
    this.#tell = tell;
  }

  /**
   * Return the response of a path; its body is counted while it is read.
   * @param {string} path
   */
  async response(path) {
    const answer = await this.#answer(path).catch((error) => {
      this.#fail(error);
      throw error;
    });
    // The copy is counted, because a browser keeps compiled code only of a response that it made itself.
    const copy = answer.clone();
    this.#count(copy, path).catch(this.#fail);
    return answer;
  }

  /**
   * Return the content of a path.
   * @param {string} path
   */
  async bytes(path) {
    const content = new Uint8Array(this.#sizes[path] ?? 0);
    let at = 0;
    await this.#count(await this.#answer(path), path, (part) => {
      if (at + part.length > content.length) throw new OpenViduError('GENERIC_ERROR', `${path} is longer than the server has said`);
      content.set(part, at);
      at += part.length;
    });
    return content.subarray(0, at);
  }

  /**
   * Return what `import` of a path resolves to.
   * @param {string} path
   */
  async module(path) {
    const module = await import(/* webpackIgnore: true */ /* @vite-ignore */ this.#at(path));
    this.#add(this.#sizes[path] ?? 0);
    return module;
  }

  /** @param {string} path */
  async #answer(path) {
    const url = this.#at(path);
    const answer = await fetch(url);
    if (!answer.ok) throw new OpenViduError('GENERIC_ERROR', `${url} could not be loaded (HTTP ${answer.status})`);
    return answer;
  }

  /**
   * @param {Response} answer
   * @param {string} path
   * @param {(part: Uint8Array) => void} take
   */
  async #count(answer, path, take = () => {}) {
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      take(part.value);
      this.#add(part.value.length);
    }
  }

  /** @param {number} bytes */
  #add(bytes) {
    this.loaded += bytes;
    this.#tell();
  }
}
