import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

// The launcher passes everything to the CLI unchanged. It runs in its own checkout, with a bundle that reports its input and a
// build that reports that it ran.

const bundle = `
const stdin = require('node:fs').readFileSync(0, 'utf8');
process.stdout.write(JSON.stringify({ argv: process.argv.slice(2), env: process.env, cwd: process.cwd(), stdin }));
process.exitCode = 7;
`;
// Variables for the real bundle, which removes them before the command starts.
const ours = ['NODE_COMPILE_CACHE', '_CACHELANE_COMPILE_CACHE', '_CACHELANE_IGNORED_SIGNALS'];
const build = `#!/bin/sh
echo building; cat; touch "\${0%/*}/../dist/cachelane.cjs"
`;

let root: string;
const inRoot = (path: string): string => join(root, path);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cachelane-launcher-'));
  for (const folder of ['dist', 'scripts', 'packages/core/src', 'node_modules/node/bin', 'elsewhere']) {
    mkdirSync(inRoot(folder), { recursive: true });
  }
  copyFileSync(join(import.meta.dirname, '../cachelane'), inRoot('cachelane'));
  symlinkSync(process.execPath, inRoot('node_modules/node/bin/node'));
  for (const path of [
    'package-lock.json',
    'scripts/bundle.ts',
    'packages/cli/package.json',
    'packages/core/src/a.ts',
  ]) {
    mkdirSync(join(inRoot(path), '..'), { recursive: true });
    writeFileSync(inRoot(path), '');
  }
  writeFileSync(inRoot('scripts/build'), build);
  chmodSync(inRoot('scripts/build'), 0o755);
  writeFileSync(inRoot('dist/cachelane.cjs'), bundle);
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function launch(path = inRoot('cachelane'), env: NodeJS.ProcessEnv = { PATH: '/usr/bin:/bin', PWD: root, SHLVL: '3' }) {
  const run = spawnSync(path, ['a b', '', '*', '--', '-x'], { cwd: root, env, input: 'input', encoding: 'utf8' });
  const { env: all, ...seen } = JSON.parse(run.stdout) as {
    readonly env: NodeJS.ProcessEnv;
    readonly stdin: string;
  };
  const isOurs = ([name]: readonly [string, unknown]): boolean => ours.includes(name) && env[name] === undefined;
  const told = Object.fromEntries(Object.entries(all).filter(isOurs));
  const passed = Object.fromEntries(Object.entries(all).filter((entry) => !isOurs(entry)));
  return { status: run.status, stderr: run.stderr, seen: { ...seen, env: passed }, told };
}

test('arguments, input, folder and exit code pass through, and it prints nothing', () => {
  const { status, stderr, seen } = launch();
  expect({ status, stderr }).toEqual({ status: 7, stderr: '' });
  expect(seen).toMatchObject({ argv: ['a b', '', '*', '--', '-x'], stdin: 'input', cwd: root });
});

test('the environment passes through, including names that shells reject, without start-up files', () => {
  writeFileSync(inRoot('evil'), 'echo evil; export EVIL=1\n');
  const env = {
    PATH: '/usr/bin:/bin',
    PWD: root,
    SHLVL: '3',
    BASH_ENV: inRoot('evil'),
    ENV: inRoot('evil'),
    'INPUT_NODE-VERSION': '26',
    'BASH_FUNC_greet%%': '() { echo hi; }',
    root: 'mine',
    npm_config_registry: 'https://registry.example',
    NODE_ENV: 'production',
  };
  expect(launch(inRoot('cachelane'), env).seen['env']).toEqual(env);
});

test('compiled code is kept beside the bundle, unless the caller has set another directory', () => {
  expect(launch().told).toMatchObject({
    NODE_COMPILE_CACHE: inRoot('dist/compiled'),
    _CACHELANE_COMPILE_CACHE: 'ours',
  });
  const env = { PATH: '/usr/bin:/bin', PWD: root, SHLVL: '3', NODE_COMPILE_CACHE: inRoot('elsewhere') };
  const { seen, told } = launch(inRoot('cachelane'), env);
  expect(seen).toMatchObject({ env });
  expect(told).not.toHaveProperty('_CACHELANE_COMPILE_CACHE');
});

test('signals that the caller ignored are passed on, because Node resets them', () => {
  writeFileSync(inRoot('nohup'), `#!/bin/sh\ntrap '' HUP USR1\nexec "${inRoot('cachelane')}" "$@"\n`, { mode: 0o755 });
  const mask = BigInt(`0x${launch(inRoot('nohup')).told['_CACHELANE_IGNORED_SIGNALS'] ?? '0'}`);
  expect(mask & 0b10_0000_0001n).toBe(0b10_0000_0001n);
});

test('the launcher follows relative and absolute links to it', () => {
  symlinkSync('../cachelane', inRoot('elsewhere/relative'));
  symlinkSync(inRoot('elsewhere/relative'), inRoot('elsewhere/absolute'));
  expect(launch(inRoot('elsewhere/absolute')).seen['stdin']).toBe('input');
});

test.each(['packages/core/src/a.ts', 'package-lock.json', 'packages/core/src'])(
  'a newer %s causes a build first',
  (path) => {
    const later = new Date(Date.now() + 5000);
    utimesSync(inRoot(path), later, later);
    const { stderr, seen } = launch();
    expect(stderr).toBe('building\n');
    expect(seen['stdin']).toBe('input');
  },
);

test('a failing build exits with 125', () => {
  writeFileSync(inRoot('scripts/build'), '#!/bin/sh\necho no; exit 1\n');
  rmSync(inRoot('dist/cachelane.cjs'));
  const run = spawnSync(inRoot('cachelane'), { encoding: 'utf8' });
  expect(run).toMatchObject({ status: 125, stdout: '', stderr: 'no\n' });
});
