import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['tests/artifacts/', '**/.venv/', '**/dist/'] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'eqeqeq': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['web/**', 'examples/**'], languageOptions: { globals: globals.browser } },
  // Scripts that tests put into pages, with what other scripts of those pages define.
  {
    files: ['tests/**', 'benchmarks/**'],
    languageOptions: {
      sourceType: 'script',
      globals: {
        ...globals.browser,
        ...Object.fromEntries(
          ['OpenVidu', 'React', 'ReactDOM', 'Zone', 'bench', 'callOfTwo', 'echarts', 'failure', 'fault', 'next', 'ov', 'pages', 'publisher', 'requests',
            'rest', 'scenarios', 'session', 'tell', 'until', 'withDevices'].map((name) => [name, true]),
        ),
      },
    },
  },
  { files: ['tests/interop/backend.js'], languageOptions: { sourceType: 'commonjs', globals: globals.node } },
  { files: ['tests/interop/*.mjs', 'tests/npm/*.mjs', 'npm/bin/*.mjs', 'py/**/*.mjs'], languageOptions: { sourceType: 'module', globals: globals.node } },
  { files: ['tests/npm/main.js'], languageOptions: { sourceType: 'module' } },
];
