import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { requireCommands } from '@cachelane/testkit';
import { openStore, scratchDir } from './real-world.fixture.ts';

const script = fileURLToPath(new URL('./until-error.fixture.ts', import.meta.url));

/** Runs the script until it fails, inside bwrap with the options `mounts`. */
function runUntilError(file: string, mounts: readonly string[]): unknown {
  const [bwrap, ...argv] = ['bwrap', '--dev-bind', '/', '/', ...mounts, '--', process.execPath, script, file];
  return JSON.parse(execFileSync(bwrap, argv, { encoding: 'utf8' }));
}

requireCommands('bwrap')('a disk that refuses writes', () => {
  test.each([512, 640, 896])('of %i KiB fills up: E_DISK_FULL, and acknowledged pushes stay', (sizeKib) => {
    using dir = scratchDir();
    const result = runUntilError(join(dir.path, 'state.db'), ['--size', `${sizeKib * 1024}`, '--tmpfs', dir.path]);
    expect(result).toMatchObject({ code: 'E_DISK_FULL' });
    const { pushed, generation } = result as { readonly pushed: number; readonly generation: number };
    expect(generation).toBe(pushed);
    expect(pushed).toBeGreaterThan(0);
  });

  test('too small for an empty store: E_DISK_FULL', () => {
    using dir = scratchDir();
    const result = runUntilError(join(dir.path, 'state.db'), ['--size', `${32 * 1024}`, '--tmpfs', dir.path]);
    expect(result).toEqual({ code: 'E_DISK_FULL', pushed: 0 });
  });

  test('mounted read-only: E_HOME_UNUSABLE, with or without a store on it', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    const unusable = { code: 'E_HOME_UNUSABLE', pushed: 0 };
    expect(runUntilError(file, ['--ro-bind', dir.path, dir.path])).toMatchObject(unusable);
    await (await openStore(file))[Symbol.asyncDispose]();
    expect(runUntilError(file, ['--ro-bind', dir.path, dir.path])).toMatchObject(unusable);
  });
});
