import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseRemoteKey } from '@cachelane/core';
import { noAbort, sourceOf } from '@cachelane/testkit';
import { scratchDir, systemRandom } from '../remote-world.fixture.ts';
import { openDirRemote } from './dir-remote.ts';

const key = parseRemoteKey('a');
const source = sourceOf(new TextEncoder().encode('content'));

/** Changes the whole process permanently, because permissions do not bind root. Each test file has its own process. */
function becomeOrdinaryUser(): void {
  if (process.getuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(65_534);
  process.setuid?.(65_534);
}

test('missing permissions are reported', async () => {
  becomeOrdinaryUser();
  using dir = scratchDir();
  const path = join(dir.path, 'remote');
  mkdirSync(path);
  const remote = openDirRemote({ path, random: systemRandom });
  chmodSync(path, 0o500);
  await expect(remote.objects.put(key, source, noAbort)).rejects.toMatchObject({ code: 'E_REMOTE_READ_ONLY' });
  chmodSync(path, 0o700);
  await remote.objects.put(key, source, noAbort);
  chmodSync(join(path, 'objects'), 0o000);
  await expect(remote.objects.get(key, {}, noAbort)).rejects.toMatchObject({ code: 'E_REMOTE_DENIED' });
  await expect(remote.objects.list('', {}, noAbort)).rejects.toMatchObject({ code: 'E_REMOTE_DENIED' });
  chmodSync(join(path, 'objects'), 0o700);
});
