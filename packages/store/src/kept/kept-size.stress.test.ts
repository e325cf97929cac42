import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { attachRequest, collect } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openCloneMounter } from './clone-mounter.ts';
import { createKeptHome } from './kept-home.fixture.ts';

const noAbort = new AbortController().signal;

test('a directory may contain more directories than a call can have arguments', async () => {
  await using home = await createKeptHome(openCloneMounter);
  const volume = await home.mounter.attach(attachRequest(home, { reach: 'setting' }), noAbort);
  if (volume.mount.kind !== 'directory') throw new Error('this is not a directory');
  execFileSync('sh', ['-c', 'seq 130000 | xargs mkdir'], { cwd: volume.mount.path });
  expect((await collect(volume)).changes.length).toBe(130_000);
  await volume.release(noAbort);
  // The fixture would be slow to delete so many.
  fs.rmSync(volume.mount.path, { recursive: true });
});
