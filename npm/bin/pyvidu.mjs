#!/usr/bin/env node
// The command of the npm package: it puts what a browser loads into a folder that an application serves.

import { cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const USAGE = `Usage: pyvidu copy-assets FOLDER

Copy what the browser loads at run time (Python, pyvidu, the script for pages without a bundler) into FOLDER, which your
application serves as /pyvidu/, for example public/pyvidu. Elsewhere, tell the page: configure({ assets: URL }), or
<meta name="pyvidu-assets" content="URL">. Run it again after each update of the package.
`;
const ASSETS = fileURLToPath(new URL('../assets/', import.meta.url));

const [command, folder, ...rest] = process.argv.slice(2);
if (command === '--help' || command === 'help') {
  process.stdout.write(USAGE);
} else if (command === 'copy-assets' && folder && !folder.startsWith('-') && !rest.length) {
  copyAssets(resolve(folder));
} else {
  process.stderr.write(USAGE);
  process.exitCode = 2;
}

/** @param {string} into */
function copyAssets(into) {
  if (existsSync(into)) {
    // Of an earlier version; only what has our name goes.
    for (const name of readdirSync(into)) if (/^pyvidu-[^/]*\.whl$/.test(name)) rmSync(join(into, name));
  }
  cpSync(ASSETS, into, { recursive: true });
  const files = readdirSync(ASSETS, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.reduce((sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name)).size, 0);
  process.stdout.write(`${files.length} files, ${(bytes / 1e6).toFixed(1)} MB, are in ${relative('.', into) || '.'}\n`);
}
