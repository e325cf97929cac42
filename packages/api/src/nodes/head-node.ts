import type { Entry, HistoryRecord } from '@cachelane/core';
import { toolOf, describeHead, snapshotEntries, type ListedHead } from '@cachelane/engine';
import { requireWithin } from '../values/pages.ts';
import type { ApiRequest } from '../request/request.ts';
import { entryPage, type EntryArguments } from './entry-node.ts';
import { isoTime } from '../values/iso-time.ts';
import { layerNode } from './layer-node.ts';
import { runNode } from './run-node.ts';
import { headId, type VolumeSubject } from '../volumes/volume-subject.ts';

const snapshotsPerPage = 1000;

export interface HeadSubject {
  readonly held: Pick<ListedHead, 'namespace' | 'volume' | 'head'>;
  /** Returns the node of its volume. */
  readonly volume: () => object;
}

export function headNode(request: ApiRequest, subject: VolumeSubject, { held, volume: volumeOf }: HeadSubject): object {
  const { world, entries, signal } = request;
  const { head, volume } = held;
  let described: Promise<ListedHead> | undefined;
  const describe = async (): Promise<ListedHead> =>
    await (described ??= describeHead(world.deps.metadata, held, signal));
  return {
    __typename: 'Head',
    id: () => headId(subject, head.lane),
    volume: volumeOf,
    lane: head.lane,
    generation: head.generation,
    updatedAt: isoTime(head.updatedAtMs),
    run: async () => await runNode(request, head.run),
    files: async () => (await describe()).files,
    sizeBytes: async () => (await describe()).sizeBytes,
    layers: async () => {
      const { layers } = await describe();
      return head.layers.map((id, index) => layerNode(request, id, layers[index] ?? null));
    },
    snapshots: async ({ first }: { readonly first: number }) => {
      requireWithin('first', first, snapshotsPerPage);
      const history = await world.deps.metadata.history(volume.id, head.lane, signal);
      return history.slice(0, first).map((move) => snapshotNode(request, move));
    },
    entries: async (args: EntryArguments) => {
      const tool = toolOf(world.deps.tools, volume);
      const key = JSON.stringify([tool.name, ...head.layers]);
      const read = async (unaborted: AbortSignal): Promise<readonly Entry[]> =>
        await snapshotEntries(world.deps.layers, { layers: head.layers, tool }, unaborted);
      return entryPage(await entries.read(key, read), args);
    },
  };
}

function snapshotNode(request: ApiRequest, { counts, ...move }: HistoryRecord): object {
  const { generation, atMs, layers, layer, run } = move;
  return {
    generation,
    at: isoTime(atMs),
    run: async () => await runNode(request, run),
    layers,
    layer,
    added: counts.added,
    changed: counts.changed,
    removed: counts.removed,
    sizeBytes: counts.sizeBytes,
  };
}
