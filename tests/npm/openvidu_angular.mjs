// Bundle openvidu-angular, with what it imports, and with a package instead of openvidu-browser; print what esbuild says as JSON.
//
//     node openvidu_angular.mjs PACKAGE

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const [instead] = process.argv.slice(2);
const absWorkingDir = join(dirname(fileURLToPath(import.meta.url)), 'openvidu_angular');
const result = await build({
  absWorkingDir,
  stdin: { contents: "import * as all from 'openvidu-angular'; console.log(all);", resolveDir: absWorkingDir },
  alias: { 'openvidu-browser': instead },
  bundle: true,
  format: 'esm',
  write: false,
  metafile: true,
  logLevel: 'silent',
}).catch((error) => error);
const said = [...(result.errors ?? []), ...(result.warnings ?? [])].map(({ text, location }) => `${text} (${location?.file})`);
console.log(JSON.stringify({ said, inputs: Object.keys(result.metafile?.inputs ?? {}) }));
