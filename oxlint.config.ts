import { defineConfig } from 'oxlint';

// Imports go down only. TypeScript's project references already refuse a package that is not referenced; the rules here
// say what to do instead, and hold where references cannot (type-only paths, drivers inside the cli, Node in core).

const drivers = ['store', 'runtimes', 'remotes', 'tools'];

interface Ban {
  readonly group: readonly string[];
  readonly message: string;
}

const testkitBan: Ban = {
  group: ['@cachelane/testkit', '@cachelane/testkit/**', 'vitest', 'fast-check'],
  message: 'For tests only: move this code into a *.test.ts or *.fixture.ts file.',
};
const deepBan: Ban = {
  // The SDK has two entries.
  group: ['@cachelane/*/**', '**/src/**', '!@cachelane/sdk/node'],
  message: "Import the package by its name ('@cachelane/core'); what it offers is exported by its src/index.ts.",
};
const packagesBan = (names: readonly string[], message: string): Ban => ({
  group: names.map((name) => (name === 'cli' ? 'cachelane' : `@cachelane/${name}`)),
  message,
});
const portBan = (names: readonly string[]): Ban =>
  packagesBan(
    names,
    'Only core may be imported here: use its port, and let packages/cli/src/compose/compose.ts pass the driver in.',
  );

const restrict = (...bans: readonly Ban[]) => ['error', { patterns: bans }] as const;
const sources = (name: string) => [`packages/${name}/src/**/*.ts`];
const testFiles = (name: string) => [`packages/${name}/src/**/*.test.ts`, `packages/${name}/src/**/*.fixture.ts`];
const above = ['cli', 'api', 'engine', ...drivers];

const layers = ['engine', ...drivers].flatMap((name) => {
  const others = portBan(above.filter((other) => other !== name));
  return [
    { files: sources(name), rules: { 'no-restricted-imports': restrict(others, testkitBan, deepBan) } },
    { files: testFiles(name), rules: { 'no-restricted-imports': restrict(others, deepBan) } },
  ];
});

const apiBan = packagesBan(
  ['cli', ...drivers],
  'The API calls use cases and ports: let packages/cli/src/api hand what it needs to it as its world.',
);

const coreBan = packagesBan(
  above,
  'Core imports nothing: declare a port in packages/core/src/ports and let a driver implement it.',
);
const hashOnly = {
  name: 'node:crypto',
  allowImportNames: ['hash'],
  message: 'Core may use hash only: randomness comes in through a port.',
};
const sdkBan = packagesBan(
  ['cli', 'api', 'core', 'engine', ...drivers],
  'The SDK is published alone: it may use what the protocol says, which is bundled into it.',
);
const composeBan = packagesBan(
  drivers,
  'Drivers are imported in packages/cli/src/compose/compose.ts only: take the port from there.',
);

export default defineConfig({
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import'],
  categories: { correctness: 'error', suspicious: 'error' },
  ignorePatterns: ['examples/**', '.build/**', 'dist/**', 'packages/sdk/src/generated/**'],
  rules: {
    // Said better by TypeScript (noImplicitReturns), or a matter of taste.
    'consistent-return': 'off',
    'typescript/consistent-return': 'off',
    'import/no-named-as-default-member': 'off',
    'typescript/no-misused-spread': 'off',
    'typescript/no-unnecessary-type-parameters': 'off',

    eqeqeq: 'error',
    'no-console': 'error',
    'no-shadow': 'off',
    'no-underscore-dangle': 'off',
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    'no-var': 'error',
    'prefer-const': 'error',
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'import/no-unassigned-import': 'off',
    'typescript/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/only-throw-error': 'error',
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'unicorn/require-module-specifiers': 'off',
    'unicorn/filename-case': ['error', { case: 'kebabCase' }],
  },
  overrides: [
    {
      files: sources('core'),
      rules: {
        // A digest is a pure function, and Node's is fast. Everything else of node:crypto is randomness or state.
        'import/no-nodejs-modules': ['error', { allow: ['node:crypto'] }],
        'no-restricted-imports': ['error', { paths: [hashOnly], patterns: [coreBan, testkitBan, deepBan] }],
      },
    },
    {
      files: testFiles('core'),
      rules: { 'import/no-nodejs-modules': 'off', 'no-restricted-imports': restrict(coreBan, deepBan) },
    },
    ...layers,
    { files: sources('api'), rules: { 'no-restricted-imports': restrict(apiBan, testkitBan, deepBan) } },
    { files: testFiles('api'), rules: { 'no-restricted-imports': restrict(apiBan, deepBan) } },
    {
      files: sources('protocol'),
      rules: {
        'import/no-nodejs-modules': ['error', { allow: ['node:crypto'] }],
        'no-restricted-imports': ['error', { paths: [hashOnly], patterns: [coreBan, testkitBan, deepBan] }],
      },
    },
    { files: testFiles('protocol'), rules: { 'no-restricted-imports': restrict(coreBan, deepBan) } },
    { files: sources('sdk'), rules: { 'no-restricted-imports': restrict(sdkBan, testkitBan, deepBan) } },
    { files: testFiles('sdk'), rules: { 'no-restricted-imports': restrict(sdkBan, deepBan) } },
    // The main entry runs wherever there is fetch.
    {
      files: ['packages/sdk/src/*.ts', 'packages/sdk/src/{connection,engine,errors,volume,wire}/*.ts'],
      rules: { 'import/no-nodejs-modules': 'error' },
    },
    { files: sources('cli'), rules: { 'no-restricted-imports': restrict(composeBan, testkitBan, deepBan) } },
    {
      files: ['packages/cli/src/compose/compose.ts', 'packages/cli/src/host/pieces.ts'],
      rules: { 'no-restricted-imports': restrict(testkitBan, deepBan) },
    },
    { files: testFiles('cli'), rules: { 'no-restricted-imports': restrict(deepBan) } },
    {
      files: sources('testkit'),
      rules: { 'no-restricted-imports': restrict(portBan(above), deepBan) },
    },
    {
      files: testFiles('testkit'),
      rules: { 'no-restricted-imports': restrict(packagesBan(['cli'], 'Test the cli in its own package.'), deepBan) },
    },
    { files: ['e2e/**/*.ts'], rules: { 'no-restricted-imports': restrict(deepBan) } },
    { files: ['packages/cli/src/reporters/**/*.ts', 'scripts/**/*.ts'], rules: { 'no-console': 'off' } },
    { files: ['*.config.ts', 'scripts/**/*.ts'], rules: { 'import/no-default-export': 'off' } },
    { files: ['**/*.d.ts'], rules: { 'no-var': 'off', 'no-unused-vars': 'off', 'typescript/no-explicit-any': 'off' } },
  ],
});
