import { isCachelaneError, type LayerId } from '@cachelane/core';
import { mayKnow } from '../caller.ts';
import { parseNodeId, type NodeId } from '../node-id.ts';
import { headNode } from '../nodes/head-node.ts';
import { findVolumeRecord } from '../nodes/held.ts';
import { layerNode } from '../nodes/layer-node.ts';
import { namespaceNode } from '../nodes/namespace-node.ts';
import { volumeNode } from '../nodes/volume-node.ts';
import type { ApiRequest } from '../request.ts';
import { volumeAt } from './find-volume.ts';

/** Null for what is not there, for what is no id, and for what the caller may not know of. */
export async function findNode(request: ApiRequest, text: string): Promise<object | null> {
  const id = parseNodeId(text);
  try {
    return id === undefined ? null : await nodeOf(request, id);
  } catch (error) {
    if (isCachelaneError(error, 'E_NOT_FOUND')) return null;
    throw error;
  }
}

async function nodeOf(request: ApiRequest, id: NodeId): Promise<object | null> {
  const { world, caller, signal } = request;
  switch (id.kind) {
    case 'namespace': {
      const record = await world.deps.metadata.findNamespace(id.namespace, signal);
      return record === undefined || !mayKnow(caller, record.paths) ? null : namespaceNode(request, record);
    }
    case 'volume':
      return volumeNode(request, await volumeAt(request, id));
    case 'head': {
      const subject = await volumeAt(request, id.volume);
      const volume = await findVolumeRecord(request, subject);
      const head = volume === null ? undefined : await world.deps.metadata.head(volume.id, id.lane, signal);
      if (volume === null || head === undefined) return null;
      return headNode(request, subject, {
        held: { namespace: subject.namespace, volume, head },
        volume: () => volumeNode(request, subject),
      });
    }
    case 'layer':
      return await layerOf(request, id.layer);
  }
}

/** One that nothing refers to any more is nobody's, and not told of. */
async function layerOf(request: ApiRequest, id: LayerId): Promise<object | null> {
  const { world, caller, signal } = request;
  const record = await world.deps.metadata.layer(id, signal);
  if (record === undefined) return null;
  const holding = await world.deps.metadata.volumesHolding(id, signal);
  for (const each of holding.length === 0 ? [record.volumeId] : holding) {
    const volume = await world.deps.metadata.volume(each, signal);
    const namespace =
      volume === undefined ? undefined : await world.deps.metadata.namespace(volume.namespaceId, signal);
    if (namespace !== undefined && mayKnow(caller, namespace.paths)) return layerNode(request, id, record);
  }
  return null;
}
