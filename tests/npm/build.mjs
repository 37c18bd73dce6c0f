// Build a page's script, as an application does with a bundler's defaults for production, and print its warnings as JSON.
//
//     node build.mjs vite|webpack|esbuild FOLDER
//
// FOLDER has main.js, and index.html for Vite. The result, with an index.html, is in FOLDER/dist.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @type {Record<string, (folder: string) => Promise<string[]>>} */
const bundlers = {
  async vite(folder) {
    const { build, createLogger } = await import('vite');
    const logger = createLogger('silent');
    const warnings = [];
    Object.assign(logger, { warn: (text) => warnings.push(text), warnOnce: (text) => warnings.push(text) });
    await build({ root: folder, base: './', configFile: false, logLevel: 'warn', customLogger: logger });
    return warnings;
  },

  async webpack(folder) {
    const { default: webpack } = await import('webpack');
    const output = { path: join(folder, 'dist') };
    const compiler = webpack({ mode: 'production', context: folder, entry: './main.js', output });
    const stats = await new Promise((resolve, reject) => {
      compiler.run((error, done) => compiler.close(() => (error ? reject(error) : resolve(done))));
    });
    const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
    if (errors.length) throw new Error(errors.map(({ message }) => message).join('\n'));
    classicPage(folder);
    return warnings.map(({ message }) => message);
  },

  async esbuild(folder) {
    const { build } = await import('esbuild');
    const { warnings } = await build({
      absWorkingDir: folder, entryPoints: ['main.js'], outdir: 'dist', bundle: true, minify: true, logLevel: 'silent',
    });
    classicPage(folder);
    return warnings.map(({ text, location }) => `${text} ${location?.file}`);
  },
};

/** @param {string} folder */
function classicPage(folder) {
  const page = readFileSync(join(folder, 'index.html'), 'utf8');
  writeFileSync(join(folder, 'dist', 'index.html'), page.replace('type="module"', 'defer'));
}

const [bundler, folder] = process.argv.slice(2);
console.log(JSON.stringify(await bundlers[bundler](folder)));
