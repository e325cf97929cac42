import { isCachelaneError } from '@cachelane/core';
import { parseNodeId, type NodeId } from '../values/node-id.ts';
import { headNode } from '../nodes/head-node.ts';
import { findVolumeRecord } from '../volumes/held.ts';
import { namespaceNode } from '../nodes/namespace-node.ts';
import { volumeNode } from '../nodes/volume-node.ts';
import type { ApiRequest } from '../request/request.ts';
import { findLayer } from './find-layer.ts';
import { namespaceAt, volumeAt } from '../volumes/find-volume.ts';

/** Returns the node; null if it does not exist, the id is invalid, or the caller may not see it. */
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
  const { world, signal } = request;
  switch (id.kind) {
    case 'namespace': {
      const record = await namespaceAt(request, id.namespace);
      return record === undefined ? null : namespaceNode(request, record);
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
      return await findLayer(request, id.layer);
  }
}
