// node byte_code.mjs FOLDER: replaces the standard library of the Pyodide in FOLDER by its byte code, which starts in a third
// of the time.

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = `${path.resolve(process.argv[2])}/`;
const library = `${folder}python_stdlib.zip`;
const { loadPyodide } = await import(pathToFileURL(`${folder}pyodide.mjs`).href);
// Columns of the source are of no use without it, and take a fifth of the bytes.
const python = await loadPyodide({ indexURL: folder, env: { PYTHONNODEBUGRANGES: '1' } });
python.FS.writeFile('/home/pyodide/byte_code.py', await readFile(new URL('byte_code.py', import.meta.url), 'utf8'));
python.FS.writeFile('/home/pyodide/sources.zip', new Uint8Array(await readFile(library)));
python.runPython(`
import sys
from byte_code import compiled
from pathlib import Path

# Where Pyodide puts the archive.
folder = f"/lib/python{sys.version_info.major}{sys.version_info.minor}.zip"
Path("library.zip").write_bytes(compiled(Path("sources.zip").read_bytes(), folder))
`);
await writeFile(library, python.FS.readFile('/home/pyodide/library.zip'));
