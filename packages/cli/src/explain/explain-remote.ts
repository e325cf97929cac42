import { Squashes, type HeadRecord } from '@cachelane/core';
import { squashesOf, waitingOf, whyLocal, type PlannedVolume } from '@cachelane/engine';
import { chooseRemote, noRemoteText } from '../remotes/choose-remote.ts';
import { formatTime, plural } from '../base/format.ts';
import type { Host } from '../host/host.ts';
import { isoTime } from '../host/print.ts';
import type { ReadStore } from '../home/store.ts';

/** Where a run here shares a volume, without contacting the remote. */
export interface ExplainedRemote {
  /** Null: no remote. */
  readonly address: string | null;
  /** Where the address comes from, or why there is none. */
  readonly source: string;
  readonly pushMode: string;
  /** Why the volume is not shared although there is a remote; null: it is. */
  readonly stays: string | null;
  /** When the own lane was last compared with a remote; null: never. */
  readonly syncedAtMs: number | null;
  /** Layers of the own lane that were pushed to no remote. */
  readonly waiting: number;
  /** Layers removed here and not yet in every remote. */
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
  if (address === null) return noRemoteText({ source });
  if (stays !== null) return `no: ${stays}`;
  const since = syncedAtMs === null ? 'never synced' : `synced ${formatTime(syncedAtMs)}`;
  const out = removals === 0 ? '' : `, ${plural(removals, 'layer')} to remove there`;
  return `${address}, by ${source}; push ${pushMode}; ${since}, ${plural(waiting, 'layer')} to send${out}`;
}
