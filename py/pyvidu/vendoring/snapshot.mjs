// node snapshot.mjs RUNTIME WHEEL FUNCTIONS RESTORE KEY OUT: makes a memory snapshot of the Pyodide in the folder RUNTIME with
// the client of WHEEL imported. RESTORE is web/lib/snapshot.js, which pages restore it with.
//
// It contains the blocks of memory that differ from a WebAssembly instance that has just been made, so neither zeros nor
// what the .wasm file brings. Before it is written it is restored and compared.

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const BLOCK = 256; // bytes; with 4096 there is 2 % more to download
const HEAD = 12; // magic, length of the description, checksum
const MAGIC = 0x70766d31;
const ARCHIVE = '/lib/pyvidu-client.zip'; // the client is imported from its wheel, as it is

const [runtime, wheel, functions, restore, key, out] = process.argv.slice(2);
const folder = `${path.resolve(runtime)}/`;
const load = (name) => import(pathToFileURL(folder + name).href);
const [{ loadPyodide }, { default: createModule }] = await Promise.all([load('pyodide.mjs'), load('pyodide.asm.mjs')]);

/** Start Pyodide with `options`, and call `instantiated` with the memory as it is then, `created` with the module before Python starts. */
async function start(options, { instantiated = () => {}, created = () => {} }) {
  const createPyodideModule = async (settings) => {
    const instantiate = settings.instantiateWasm;
    settings.instantiateWasm = (imports, receive) => instantiate(imports, (instance, module) => {
      instantiated(new Uint8Array(instance.exports.memory.buffer));
      return receive(instance, module);
    });
    const module = await createModule(settings);
    created(module);
    return module;
  };
  // The name of the executable would otherwise be this script's path.
  return loadPyodide({ indexURL: folder, createPyodideModule, _sysExecutable: '/usr/bin/python3', ...options });
}

/** The client's JavaScript in a page is another object, so the snapshot names it by its path in the module. */
async function clientFunctions() {
  const source = await readFile(functions, 'utf8');
  const module = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  const members = Object.entries(module.default).map(([name, value]) => [value, ['default', name]]);
  return { module, paths: new Map([[module, []], [module.default, ['default']], ...members]) };
}

async function make() {
  let initial, functionsThere;
  const python = await start({ _makeSnapshot: true }, {
    instantiated: (memory) => { initial = memory.slice(); },
    created: (module) => { functionsThere = module.wasmTable.length; },
  });
  const { module, paths } = await clientFunctions();
  python.registerJsModule('pyvidu_functions', module);
  python.FS.writeFile(ARCHIVE, new Uint8Array(await readFile(wheel)));
  python.FS.writeFile('/home/pyodide/pyvidu_snapshot.py', await readFile(new URL('in_snapshot.py', import.meta.url), 'utf8'));
  python.runPython(`import sys; sys.path.append(${JSON.stringify(ARCHIVE)})`);
  python.runPython('import pyvidu_snapshot; pyvidu_snapshot.prepare("pyvidu"); del pyvidu_snapshot, sys');
  const serializer = (value) => {
    if (paths.has(value)) return paths.get(value);
    throw new Error(`the client holds an object of the page that imports it: ${value}`);
  };
  if (python._module.wasmTable.length !== functionsThere) throw new Error('functions were added, which a page would not have');
  const made = python.makeMemorySnapshot({ serializer });
  const [, length, described] = new Uint32Array(made.buffer, 0, 3);
  return { initial, memory: made.subarray(length), head: made.slice(0, 48), references: JSON.parse(new TextDecoder().decode(made.subarray(48, 48 + described))) };
}

const words = (bytes) => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);

/** Return, by block, whether `memory` differs from what `other` has there. */
function differences(memory, other) {
  const [mine, theirs] = [words(memory), words(other)];
  const differs = new Uint8Array(memory.length / BLOCK);
  mine.forEach((word, index) => { if (word !== (theirs[index] ?? 0)) differs[Math.floor(index / (BLOCK / 4))] = 1; });
  return differs;
}

/** Return the file's content: head, description, and the blocks of `memory` that `chosen` names. */
function packed(memory, chosen, description) {
  const runs = [];
  chosen.forEach((is, block) => {
    if (!is) return;
    if (chosen[block - 1]) runs[runs.length - 1]++;
    else runs.push(block, 1);
  });
  const text = new TextEncoder().encode(JSON.stringify({ key, size: memory.length, runs, ...description }));
  const length = Math.ceil(text.length / 4) * 4;
  const blocks = runs.reduce((total, number, index) => total + (index % 2 ? number : 0), 0);
  const file = new Uint8Array(HEAD + length + blocks * BLOCK).fill(32, HEAD, HEAD + length);
  file.set(text, HEAD);
  let at = HEAD + length;
  for (let run = 0; run < runs.length; run += 2) {
    file.set(memory.subarray(runs[run] * BLOCK, (runs[run] + runs[run + 1]) * BLOCK), at);
    at += runs[run + 1] * BLOCK;
  }
  new Uint32Array(file.buffer, 0, 3).set([MAGIC, length, checksum(file.subarray(HEAD + length))]);
  return file;
}

/** Restore `file` as a page does; return the memory before Python goes on, and Python. */
async function restored(file) {
  const snapshot = new Snapshot(file, key);
  const references = Snapshot.references();
  const { module: functionsOfThisRun } = await clientFunctions();
  const _snapshotDeserializer = (names) => names.reduce((value, name) => value[name], functionsOfThisRun);
  let memory;
  const created = (module) => {
    snapshot.fill(references);
    snapshot.write(module);
    memory = module.HEAPU8.slice();
  };
  const python = await start({ _loadSnapshot: references, _snapshotDeserializer }, { created });
  return { memory, python };
}

const { Snapshot, checksum } = await import(pathToFileURL(path.resolve(restore)).href);
const { initial, memory, head, references } = await make();
const description = { head: Buffer.from(head).toString('hex'), references };
const chosen = differences(memory, initial);
// What Pyodide itself has written when the snapshot is restored is in it too, also where Python had the initial value.
const first = await restored(packed(memory, chosen, description));
differences(memory, first.memory).forEach((is, block) => { if (is) chosen[block] = 1; });
const file = packed(memory, chosen, description);
const { memory: second, python } = await restored(file);
if (differences(memory, second).includes(1)) throw new Error('the memory restored is not the memory that was saved');
python.pyimport('pyvidu_snapshot').restored(undefined);
await writeFile(out, file);
