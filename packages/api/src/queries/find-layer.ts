import type { HeadRecord, LayerId } from '@cachelane/core';
import { layerNode } from '../nodes/layer-node.ts';
import { allKnownVolumes } from '../volumes/known-volumes.ts';
import type { ApiRequest } from '../request/request.ts';

/** Returns the layer node; null for a layer that nothing refers to. */
export async function findLayer(request: ApiRequest, id: LayerId): Promise<object | null> {
  const { world, caller, signal } = request;
  if (caller.project.context.bounds !== undefined && !(await isNamed(request, id))) return null;
  const record = await world.deps.metadata.layer(id, signal);
  if (record === undefined) return null;
  const isHeld = (await world.deps.metadata.volumesHolding(id, signal)).length > 0;
  return isHeld ? layerNode(request, id, record) : null;
}

/**
 * Returns whether a head or its history names the layer, in a volume that the caller may see. Checked before any
 * lookup: equal layers may be in volumes of others.
 */
async function isNamed(request: ApiRequest, id: LayerId): Promise<boolean> {
  const { metadata } = request.world.deps;
  const ids = (await allKnownVolumes(request)).map((volume) => volume.id);
  const heads = await metadata.headsOf(ids, request.signal);
  return heads.some(({ layers }) => layers.includes(id)) || (await wasNamed(request, heads, id));
}

async function wasNamed({ world, signal }: ApiRequest, heads: readonly HeadRecord[], id: LayerId): Promise<boolean> {
  for (const { volumeId, lane } of heads) {
    const moves = await world.deps.metadata.history(volumeId, lane, signal);
    if (moves.some(({ layer, layers }) => layer === id || layers.includes(id))) return true;
  }
  return false;
}
