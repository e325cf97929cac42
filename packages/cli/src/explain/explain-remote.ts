import { Squashes, type HeadRecord } from '@cachelane/core';
import { squashesOf, waitingOf, whyLocal, type PlannedVolume } from '@cachelane/engine';
import { chooseRemote } from '../remotes/choose-remote.ts';
import { formatTime, plural } from '../base/format.ts';
import type { Host } from '../host/host.ts';
import { isoTime } from '../host/print.ts';
import type { ReadStore } from '../home/store.ts';

/** What a run here would share of a volume, and with whom; as far as is known without asking the remote. */
export interface ExplainedRemote {
  /** Null: nothing is shared. */
  readonly address: string | null;
  /** Who named it, or why there is none. */
  readonly source: string;
  readonly pushMode: string;
  /** Why the volume stays on this machine all the same; null where it does not. */
  readonly stays: string | null;
  /** When the own lane was last compared with a remote; null: never. */
  readonly syncedAtMs: number | null;
  /** Layers of the own lane that no remote has heard of. */
  readonly waiting: number;
  /** Layers that were taken out of it here, of which some remote has not heard. */
  readonly removals: number;
}

export async function explainRemote(
  { host, store }: { readonly host: Host; readonly store: ReadStore },
  planned: PlannedVolume,
  own: HeadRecord | null,
): Promise<ExplainedRemote> {
  const { address, source, pushMode } = await chooseRemote(host, { address: undefined, push: undefined });
  const records = (await store.metadata.listSyncedHeads(null, store.signal)).filter(
    ({ volumeId, lane }) => volumeId === own?.volumeId && lane === own.lane,
  );
  const squashes = own === null ? new Squashes([]) : await squashesOf(store.metadata, own, store.signal);
  const waiting = [undefined, ...records].map((synced) => waitingOf({ head: own, synced, squashes }));
  return {
    address,
    source,
    pushMode,
    stays: whyLocal(planned),
    syncedAtMs: records.length === 0 ? null : Math.max(...records.map(({ atMs }) => atMs)),
    waiting: Math.min(...waiting.map(({ layers }) => layers)),
    removals: Math.max(...waiting.map(({ removals }) => removals)),
  };
}

export function explainedRemoteJson({ syncedAtMs, ...explained }: ExplainedRemote): unknown {
  return { ...explained, syncedAt: syncedAtMs === null ? null : isoTime(syncedAtMs) };
}

export function explainedRemoteText(explained: ExplainedRemote): string {
  const { address, source, pushMode, stays, syncedAtMs, waiting, removals } = explained;
  if (address === null) return `with nobody: ${source}`;
  if (stays !== null) return `with nobody: ${stays}`;
  const since = syncedAtMs === null ? 'not compared with it yet' : `compared with it ${formatTime(syncedAtMs)}`;
  const out = removals === 0 ? '' : `, ${plural(removals, 'layer')} to remove there`;
  return `${address}, by ${source}; push ${pushMode}; ${since}, ${plural(waiting, 'layer')} to send${out}`;
}
