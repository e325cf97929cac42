import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadProviders } from './load-modules.ts';

let dir = '';
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-module-owner-')));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const ownUid = process.geteuid?.() ?? 0;

/** Whether it was run tells the file `ran`. */
function moduleOf(mode: number, below = '.'): string {
  mkdirSync(join(dir, below), { recursive: true });
  const path = join(dir, below, 'team.mjs');
  const kind = "export default { kind: 'team', provide: async () => ({ kind: 'nothing' }) };";
  writeFileSync(
    path,
    `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(join(dir, 'ran'))}, '');\n${kind}\n`,
  );
  chmodSync(path, mode);
  return path;
}

const load = async (path: string, effectiveUid = ownUid) =>
  await loadProviders({ modules: [{ value: path, line: 3 }], configPath: '/config.yaml', effectiveUid });

test.each([0o664, 0o646, 0o666, 0o662, 0o622])(
  'a module of mode %o, which others may write, is not run',
  async (mode) => {
    await expect(load(moduleOf(mode))).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining('can be written by others'),
    });
    expect(existsSync(join(dir, 'ran'))).toBe(false);
  },
);

test.each([0o400, 0o600, 0o644, 0o755])('one of mode %o is', async (mode) => {
  expect(await load(moduleOf(mode))).toMatchObject([{ kind: 'team' }]);
});

test.each(['a', 'a/b', 'a/b/c'])('one below a directory that others can write to is not run: %s', async (open) => {
  const path = moduleOf(0o644, 'a/b/c');
  symlinkSync('a/b/c/team.mjs', join(dir, 'link.mjs'));
  for (const mode of [0o775, 0o757]) {
    chmodSync(join(dir, open), mode);
    for (const name of [path, join(dir, 'link.mjs')]) {
      await expect(load(name)).rejects.toMatchObject({
        message: expect.stringContaining(`is below ${join(dir, open)}, a directory that others can write to`),
      });
    }
  }
  expect(existsSync(join(dir, 'ran'))).toBe(false);
  // In a sticky directory, other users cannot replace our file.
  chmodSync(join(dir, open), 0o1777);
  expect(await load(path)).toMatchObject([{ kind: 'team' }]);
});

test('a symlink to a module in a directory that others can write to is refused', async () => {
  const path = moduleOf(0o644, 'a');
  mkdirSync(join(dir, 'open'));
  symlinkSync(path, join(dir, 'open/team.mjs'));
  chmodSync(join(dir, 'open'), 0o777);
  await expect(load(join(dir, 'open/team.mjs'))).rejects.toMatchObject({
    message: expect.stringContaining('a directory that others can write to'),
  });
});

// Only root can change a file's owner.
const asRoot = test.runIf(ownUid === 0);

asRoot('root does not run a module of another user', async () => {
  const path = moduleOf(0o644);
  chownSync(path, 65_534, 65_534);
  for (const uid of [0, 1000]) {
    await expect(load(path, uid)).rejects.toMatchObject({
      message: expect.stringContaining(`belongs to user 65534, and this command runs as user ${uid}`),
    });
  }
  expect(existsSync(join(dir, 'ran'))).toBe(false);
});

asRoot('runs modules of the user and of root, but none below another user’s directory', async () => {
  const path = moduleOf(0o644, 'a/b');
  expect(await load(path, 65_534)).toMatchObject([{ kind: 'team' }]);
  chownSync(path, 65_534, 65_534);
  chownSync(join(dir, 'a'), 65_534, 65_534);
  expect(await load(path, 65_534)).toMatchObject([{ kind: 'team' }]);
  chownSync(path, 0, 0);
  await expect(load(path, 0)).rejects.toMatchObject({
    message: expect.stringContaining(`is below ${join(dir, 'a')}, which belongs to user 65534`),
  });
});
