// Memory snapshots of Python with the client imported: made by pyvidu/vendoring/snapshot.mjs on the server, restored here.
//
// Pyodide's own way to restore one is private, wants the whole memory with all its zeros, and waits for it before it compiles
// anything. Here Pyodide gets the references of a snapshot only; the memory is written when both it and Pyodide have come.

const MAGIC = 0x70766d31;
const HEAD = 12; // bytes: magic, length of the description, checksum of the blocks
const BLOCK = 256;
const PYODIDES_HEAD = 48;
const REFERENCES = 65_536; // more bytes than they ever take

/**
 * @typedef {object} Description
 * @property {string} key     what the snapshot was made of: runtime, client and the code that makes and restores it
 * @property {number} size    of the memory, in bytes
 * @property {number[]} runs  where blocks are: the index of the first of a run, the number of them, the next first...
 * @property {string} head    the first bytes of Pyodide's snapshot, in hexadecimal
 * @property {object} references   the objects of JavaScript that Python refers to
 *
 * @typedef {object} Module   Pyodide's own, what we use of it
 * @property {Uint8Array} HEAPU8
 * @property {Int32Array} HEAP32
 * @property {number} __PyRuntime
 * @property {number} __PyEM_EMSCRIPTEN_TRAMPOLINE_OFFSET
 * @property {number} _timezone
 * @property {number} _daylight
 * @property {number} _tzname
 * @property {(size: number) => unknown} growMemory
 * @property {(timezone: number, daylight: number, ...names: number[]) => void} __tzset_js
 */

/** A snapshot that has been found whole. */
export class Snapshot {
  /** @type {Description} */
  #description;
  /** @type {Uint8Array} */
  #blocks;

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @param {string} key   the snapshot that is wanted
   * @throws {Error} it is another, or broken; the message says so
   */
  constructor(bytes, key) {
    if (bytes.length < HEAD) throw new Error('it is cut short');
    const [magic, length, sum] = new Uint32Array(bytes.buffer, bytes.byteOffset, HEAD / 4);
    if (magic !== MAGIC) throw new Error('it is no snapshot of pyvidu');
    if (HEAD + length > bytes.length) throw new Error('it is cut short');
    this.#description = parsed(bytes.subarray(HEAD, HEAD + length));
    this.#blocks = bytes.subarray(HEAD + length);
    const { key: made, runs, size } = this.#description;
    if (made !== key) throw new Error('it was made of another client or runtime');
    const blocks = runs.reduce((total, number, index) => total + (index % 2 ? number : 0), 0);
    if (this.#blocks.length !== blocks * BLOCK || size % BLOCK) throw new Error('it is cut short');
    if (checksum(this.#blocks) !== sum) throw new Error('its content is damaged');
  }

  /**
   * Return what Pyodide is told to restore, before the snapshot has come. `fill` makes it complete.
   * @returns {Uint8Array<ArrayBuffer>}
   */
  static references() {
    return new Uint8Array(REFERENCES);
  }

  /** @param {Uint8Array<ArrayBuffer>} references */
  fill(references) {
    const { head, references: content } = this.#description;
    const text = new TextEncoder().encode(JSON.stringify(content));
    if (PYODIDES_HEAD + text.length > references.length) throw new Error('it refers to too many objects');
    references.set(Uint8Array.from(head.match(/../g) ?? [], (byte) => parseInt(byte, 16)));
    references.set(text, PYODIDES_HEAD);
    // Pyodide copies what is behind the references into its memory: nothing.
    new Uint32Array(references.buffer).set([references.length, text.length], 1);
  }

  /**
   * Write the memory of Python into that of `module`, in which Python has not started; once.
   * @param {Module} module
   */
  write(module) {
    const { size, runs } = this.#description;
    if (module.HEAPU8.length < size) module.growMemory(size);
    // CPython calls functions of other signatures through one that Pyodide makes for the browser at hand.
    const trampoline = (module.__PyRuntime + module.HEAP32[module.__PyEM_EMSCRIPTEN_TRAMPOLINE_OFFSET >> 2]) >> 2;
    const own = module.HEAP32[trampoline];
    for (let run = 0, from = 0; run < runs.length; run += 2) {
      const to = from + runs[run + 1] * BLOCK;
      module.HEAPU8.set(this.#blocks.subarray(from, to), runs[run] * BLOCK);
      from = to;
    }
    this.#blocks = new Uint8Array(0); // twelve megabytes that something of Pyodide's start would keep
    module.HEAP32[trampoline] = own;
    const names = [0, 1].map((index) => module.HEAP32[(module._tzname >> 2) + index]);
    module.__tzset_js(module._timezone, module._daylight, ...names); // C reads the time zone once only
  }
}

/** @param {Uint8Array} bytes */
export function checksum(bytes) {
  // The blocks begin at a multiple of four: the description is padded.
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  let sum = 0;
  for (let index = 0; index < words.length; index++) sum = (Math.imul(sum, 31) + words[index]) >>> 0;
  return sum;
}

/**
 * @param {Uint8Array} text
 * @returns {Description}
 */
function parsed(text) {
  try {
    return JSON.parse(new TextDecoder().decode(text));
  } catch {
    throw new Error('its content is damaged');
  }
}
