// Starts Python and then main.py, which does everything else on the page.

import { bootPython } from '../python.js';
import { messageOf } from '../lib/errors.js';

const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);

/** @param {import('../lib/boot.js').Progress} progress */
function show({ step, steps, text, loaded, total, cached }) {
  // The download takes most of a first visit, so it gets 70 % of the bar, by bytes; the other steps share the rest.
  const done = (step - 1) / (steps - 1);
  const bytes = total && !cached ? loaded / total : done;
  const bar = /** @type {HTMLProgressElement} */ ($('boot-bar'));
  bar.value = step === 2 ? 0.1 + 0.7 * bytes : Math.max(done, step > 2 ? 0.8 : 0);
  $('boot-step').textContent = `${text} (${step} of ${steps})`;
  $('boot-bytes').textContent = cached ? 'from the cache' : total ? `${megabytes(loaded)} of ${megabytes(total)} MB` : '';
}

/**
 * @param {string} name
 * @returns {Promise<[string, string]>}
 */
async function source(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name} could not be loaded (HTTP ${answer.status})`);
  return [name, await answer.text()];
}

try {
  const sources = Promise.all(['main.py', 'page.py', 'outage_panel.py', 'timeline.py'].map(source));
  const python = await bootPython({ onProgress: show });
  python.FS.mkdirTree('/demo');
  for (const [name, text] of await sources) python.FS.writeFile(`/demo/${name}`, text);
  python.runPython('import sys; sys.path.insert(0, "/demo")');
  python.registerJsModule('demo_modules', { chart: () => import('./chart.js') });
  python.pyimport('main').start();
} catch (error) {
  $('boot').hidden = true;
  $('trouble').hidden = false;
  $('trouble').textContent = messageOf(error);
  console.error(error);
}
