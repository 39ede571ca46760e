import js from '@eslint/js';
import { importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** What no deterministic code may reach for: time, chance and environment come in as arguments. */
const deterministic = {
  'no-restricted-globals': [
    'error',
    'process',
    'fetch',
    'setTimeout',
    'setInterval',
    'setImmediate',
    'performance',
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: 'Time comes in as an argument.' },
    { object: 'Math', property: 'random', message: 'Randomness comes in as an argument.' },
  ],
  'no-restricted-syntax': [
    'error',
    {
      selector: "NewExpression[callee.name='Date'][arguments.length=0]",
      message: 'Time comes in as an argument.',
    },
  ],
};

/** Arrows point down only (DESIGN.md "One picture"). `regex` says which imports a folder may not have. */
const layer = (folder, patterns, rules = {}) => ({
  files: [`src/${folder}/**`],
  rules: { ...rules, '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
});
const above = (...names) => `^(\\.\\./)+(${names.join('|')})(/|\\.js$)`;

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '.tidemark/**', '**/.venv/**'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.mjs', 'scripts/*.mjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', Buffer: 'readonly' },
    },
    plugins: { 'import-x': importX },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      'import-x/no-cycle': 'error',
    },
  },
  layer(
    'core',
    // CEL is pure: text in, verdict out.
    [{ regex: '^(?!\\./|@marcbachmann/cel-js$)', message: 'core imports core only' }],
    deterministic,
  ),
  layer(
    'core/*',
    // A folder of core is core; schemas are pure as well.
    [{ regex: '^(?!\\.{1,2}/[a-z0-9-]+\\.js$|zod$)', message: 'core imports core only' }],
    deterministic,
  ),
  layer(
    'workflows',
    [
      {
        regex: '^(?!\\./|@temporalio/(workflow|common)$|\\.\\./(core|activities)/|\\.\\./messages\\.js$)',
        message: 'workflows are deterministic: they see Temporal, core, messages and activity types only',
      },
      { regex: '^\\.\\./activities/', allowTypeImports: true, message: 'workflows see activity types only' },
    ],
    { ...deterministic, 'no-restricted-globals': ['error', 'process', 'fetch', 'performance'] },
  ),
  layer('clients', [
    {
      regex: above('workflows', 'activities', 'workers', 'cli', 'stream', 'client'),
      message: 'clients only open and close',
    },
  ]),
  layer('stream', [
    {
      regex: above('workflows', 'activities', 'workers', 'cli', 'client'),
      message: 'stream sits below activities',
    },
  ]),
  layer('activities', [
    {
      regex: above('workflows', 'workers', 'cli', 'client'),
      message: 'activities sit below workers and cli',
    },
  ]),
  { files: ['src/cli/**', 'bench/**', 'scripts/**', 'examples/**'], rules: { 'no-console': 'off' } },
  {
    // node:test-like assertions and mocha callbacks return values nobody reads.
    files: ['test/**'],
    rules: { '@typescript-eslint/no-unused-expressions': 'off' },
  },
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
