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

/** Arrows point down only (DESIGN.md "One picture"); each zone lists what a folder may not import. */
const zone = (target, from, message) => ({ target: `./src/${target}`, from, message });
const folders = (...names) => names.map((name) => `./src/${name}`);

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
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            zone('core', folders('!(core)', '!(core)/**'), 'core imports core only'),
            zone(
              'stream',
              folders('workflows', 'activities', 'workers', 'cli', 'client.ts'),
              'stream sits below activities',
            ),
            zone(
              'clients',
              folders('workflows', 'activities', 'workers', 'cli', 'stream', 'client.ts'),
              'clients only open and close',
            ),
            zone(
              'activities',
              folders('workers', 'cli', 'client.ts'),
              'activities sit below workers and cli',
            ),
          ],
        },
      ],
    },
  },
  { files: ['src/core/**'], rules: deterministic },
  {
    files: ['src/workflows/**'],
    rules: {
      ...deterministic,
      'no-restricted-globals': ['error', 'process', 'fetch', 'performance'],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['node:*', 'kafkajs', '@clickhouse/*', 'pg', 'mongodb'],
              message: 'Workflows are deterministic.',
            },
            {
              group: ['**/activities/*', '**/clients/*', '**/stream/*'],
              allowTypeImports: true,
              message: 'Workflows see activity types only.',
            },
          ],
        },
      ],
    },
  },
  { files: ['src/cli/**', 'bench/**', 'scripts/**', 'examples/**'], rules: { 'no-console': 'off' } },
  {
    // node:test-like assertions and mocha callbacks return values nobody reads.
    files: ['test/**'],
    rules: { '@typescript-eslint/no-unused-expressions': 'off' },
  },
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
