import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { programVersion } from './program-version.ts';
import { anyReach, toolEnvironment } from '../context/tool-environment.ts';

let dir = '';
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-version-')));
  mkdirSync(join(dir, 'bin'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function ask(script: string, env: Record<string, string> = { PATH: `${dir}/bin:/usr/bin:/bin` }): string | undefined {
  writeFileSync(join(dir, 'bin/uv'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(dir, 'bin/uv'), 0o755);
  return programVersion({ name: 'uv', cwd: dir, env });
}

test.each([
  ['echo "uv 0.12.0 (0123abc 2026-08-05 x86_64-unknown-linux-gnu)"', '0.12.0'],
  ['echo 1.2.3-rc.1+build', '1.2.3-rc.1+build'],
  ['echo "version 7"', undefined],
  ['echo 1.2.3; exit 1', undefined],
  ['echo 1.2.3 >&2', undefined],
  ['test "$1" = --version && test "$PWD" = "$(dirname "$(dirname "$0")")" && echo 4.5', '4.5'],
])('%s', (script, version) => {
  expect(ask(script)).toBe(version);
});

test('a missing program has no version, and neither has any without a PATH', () => {
  expect(programVersion({ name: 'uv', cwd: dir, env: { PATH: '/nowhere' } })).toBeUndefined();
  expect(ask('echo 1.2.3', {})).toBeUndefined();
});

test('a program is started once', () => {
  ask(`echo asked >> "${dir}/log"; echo 1.2.3`);
  rmSync(join(dir, 'log'));
  const env = { PATH: `${dir}/bin:/usr/bin:/bin` };
  const environment = toolEnvironment({
    homeDir: dir,
    workDir: dir,
    os: 'linux',
    arch: 'x64',
    env,
    reach: anyReach({ cwd: dir, env }),
  });
  expect([environment.programVersion('uv'), environment.programVersion('uv')]).toEqual(['1.2.3', '1.2.3']);
  rmSync(join(dir, 'bin/uv'));
  expect(environment.programVersion('uv')).toBe('1.2.3');
});
