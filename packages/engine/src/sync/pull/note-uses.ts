import { type Remote, bytesSource, laneTrust, limits } from '@cachelane/core';
import { within } from '../../base/deadline.ts';
import type { EngineDependencies } from '../../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../../model/run-request.ts';
import { lastMoveOf } from '../heads/listed-heads.ts';
import { useKey } from '../heads/remote-collection.ts';
import type { FoundHead } from '../heads/remote-heads.ts';
import type { SyncTarget } from '../heads/synced-volumes.ts';

export interface ReadTarget {
  readonly target: SyncTarget;
  readonly found: FoundHead;
}

/**
 * Notes in the remote that a run reads heads, so that a collection does not consider them idle. Writes at most once a day for each head,
 * and only if the run may push. Ignores errors.
 */
export async function noteUses(
  { clock }: Pick<EngineDependencies, 'clock'>,
  { context, push, signal }: Pick<RunCommandRequest, 'context' | 'push' | 'signal'>,
  { remote, heads }: { readonly remote: Remote; readonly heads: readonly ReadTarget[] },
): Promise<void> {
  if (!context.canWrite || push === 'never' || laneTrust(context.lane) === 'T0') return;
  const oldMs = clock.nowMs() - limits.remoteUseNotedMs;
  const old = heads.filter(({ found }) => found.manifest !== null && lastMoveOf(found.manifest) < oldMs);
  if (old.length === 0) return;
  const source = bytesSource(new TextEncoder().encode('used\n'));
  try {
    await within({ clock, limitMs: limits.remoteAgainMs, late: 'too late' }, signal, async (stop) => {
      for (const { target } of old) {
        const key = useKey(target.key);
        const known = await remote.objects.stat(key, stop);
        if (known === undefined || known.storedAtMs < oldMs) await remote.objects.renew(key, source, stop);
      }
    });
  } catch {
    // The next run tries again.
  }
}
