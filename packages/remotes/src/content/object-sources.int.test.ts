import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bytesSource, parseRemoteKey } from '@cachelane/core';
import { contentOf, memoryRemote, noAbort, noise, sourceOf } from '@cachelane/testkit';
import { openDirRemote } from '../dir/dir-remote.ts';
import { scratchDir, systemRandom } from '../remote-world.fixture.ts';
import { fileSource } from './object-sources.ts';

const key = parseRemoteKey('a');

test('a file and a buffer with the same content are the same object', async () => {
  using dir = scratchDir();
  const bytes = noise(2_500_000);
  const path = join(dir.path, 'file');
  writeFileSync(path, bytes);
  const remote = memoryRemote();
  expect(await remote.objects.put(key, fileSource(path, sourceOf(bytes)), noAbort)).toEqual({ kind: 'stored' });
  expect(await remote.objects.put(key, bytesSource(bytes), noAbort)).toEqual({ kind: 'present' });
  expect(await contentOf(await remote.objects.get(key, {}, noAbort))).toHaveLength(bytes.length);
});

test('a missing or changed file is an error of the source', async () => {
  using dir = scratchDir();
  const path = join(dir.path, 'file');
  const remote = openDirRemote({ path: dir.path, random: systemRandom });
  const source = fileSource(path, sourceOf(noise(1000)));
  await expect(remote.objects.put(key, source, noAbort)).rejects.toMatchObject({ code: 'ENOENT' });
  writeFileSync(path, noise(1000, 2));
  await expect(remote.objects.put(key, source, noAbort)).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
  writeFileSync(path, noise(1000));
  expect(await remote.objects.put(key, source, noAbort)).toEqual({ kind: 'stored' });
});
