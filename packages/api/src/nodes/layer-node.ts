import type { Entry, LayerId, LayerRecord } from '@cachelane/core';
import { formatNodeId } from '../values/node-id.ts';
import type { ApiRequest } from '../request/request.ts';
import { entryPage, type EntryArguments } from './entry-node.ts';
import { isoTime } from '../values/iso-time.ts';
import { runNode } from './run-node.ts';

export function layerNode(request: ApiRequest, id: LayerId, record: LayerRecord | null): object {
  const { world, entries } = request;
  return {
    __typename: 'Layer',
    id: () => formatNodeId({ kind: 'layer', layer: id }),
    digest: id,
    run: async () => (record === null ? null : await runNode(request, record.run)),
    sealedAt: record === null ? null : isoTime(record.sealedAtMs),
    added: record?.counts.added ?? null,
    changed: record?.counts.changed ?? null,
    removed: record?.counts.removed ?? null,
    files: record?.files ?? null,
    sizeBytes: record?.counts.sizeBytes ?? null,
    entries: async (args: EntryArguments) => {
      const read = async (unaborted: AbortSignal): Promise<readonly Entry[]> => [
        ...(await world.deps.layers.open(id, unaborted)).index.entries(),
      ];
      return entryPage(await entries.read(id, read), args);
    },
  };
}
