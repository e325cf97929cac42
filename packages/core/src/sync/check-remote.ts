import { CachelaneError } from '../base/errors.ts';
import type { Random } from '../ports/random.ts';
import type { Remote } from '../ports/remote/remote.ts';
import { newAttempt, parseRemoteKey } from '../names/remote-key.ts';

/**
 * Checks that the remote refuses swaps with an outdated version, because some servers ignore the condition and
 * overwrite silently. Writes and removes one head. Throws E_REMOTE_UNFIT, or why it could not check.
 */
export async function checkRemote(remote: Remote, random: Random, signal: AbortSignal): Promise<void> {
  const attempt = () => newAttempt(random.bytes(16));
  const { heads } = remote;
  const key = parseRemoteKey(`check/${attempt()}`);
  const swap = (text: string, expected: Parameters<typeof heads.swap>[0]['expected']) =>
    heads.swap({ key, bytes: new TextEncoder().encode(text), expected, attempt: attempt() }, signal);

  const first = await swap('first', null);
  if (first.kind !== 'moved') throw unfit(remote, 'does not take a new head');
  if ((await swap('again', null)).kind !== 'conflict')
    throw unfit(remote, 'overwrites existing objects despite If-None-Match');
  const second = await swap('second', first.version);
  if (second.kind !== 'moved') throw unfit(remote, 'does not let a head move');
  if ((await swap('late', first.version)).kind !== 'conflict')
    throw unfit(remote, 'overwrites changed objects despite If-Match');
  await heads.remove({ key, expected: second.version, attempt: attempt() }, signal);
}

function unfit({ name }: Remote, why: string): CachelaneError {
  return new CachelaneError('E_REMOTE_UNFIT', `${name} ${why}: runs on several machines would lose each other's work`, {
    hint: 'use a server with conditional writes, as S3, Ceph and MinIO have',
  });
}
