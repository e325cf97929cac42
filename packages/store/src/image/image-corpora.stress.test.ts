import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchProject, requireCommands, useDisk } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { judgeDirectory } from './judge-directory.fixture.ts';

useDisk();

// Real caches, as tools leave them, checked like generated trees.

const examples = join(import.meta.dirname, '../../../../examples');
const web = fetchProject(join(examples, 'web'));
/** Allows for compilers and disks of busy machines. */
const timeout = 300_000;

requireCommands(
  'fsck.erofs',
  'unshare',
  'python3',
)('as root', () => {
  describe.skipIf(process.getuid?.() !== 0)('an image', () => {
    test.skipIf(web === null)('of a cache of npm shows its contents', { timeout }, async () => {
      const { files, fileBytes } = await judgeDirectory(web?.cacheDir ?? '');
      expect([files > 50, fileBytes > 1_000_000]).toEqual([true, true]);
    });

    test.skipIf(web === null)('of installed packages shows their contents', { timeout }, async () => {
      const { files, symlinks } = await judgeDirectory(web?.modulesDir ?? '');
      expect([files > 1000, symlinks > 0]).toEqual([true, true]);
    });
  });
});

requireCommands(
  'fsck.erofs',
  'unshare',
  'python3',
  'go',
)('as root', () => {
  test.skipIf(process.getuid?.() !== 0)('an image of a build cache of Go shows its contents', { timeout }, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'cachelane-corpus-'));
    using _removed = { [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
    execFileSync('go', ['build', './...'], {
      cwd: join(examples, 'services'),
      env: { ...process.env, GOCACHE: dir, GOENV: 'off', GOPROXY: 'off', GOFLAGS: '', GOTOOLCHAIN: 'local' },
      stdio: 'pipe',
    });
    const { files, fileBytes } = await judgeDirectory(dir);
    expect([files > 100, fileBytes > 1_000_000]).toEqual([true, true]);
  });
});
