import { seedLane, type VolumeSeed } from '@cachelane/core';
import { planVolume, type BlamedHead } from '@cachelane/engine';
import { volumeRequest } from './volume-request.ts';
import type { ApiRequest } from '../request/request.ts';
import { chainHeads } from './chain-heads.ts';
import type { VolumeSubject } from './volume-subject.ts';

/** Returns the layers of a seed. For a directory, the layer of its latest reading, if it is stored here. */
export async function seedHeads(
  request: ApiRequest,
  subject: VolumeSubject,
  seed: VolumeSeed | null,
): Promise<readonly BlamedHead[]> {
  if (seed === null) return [];
  if (seed.kind === 'volume') {
    const heads = await chainHeads(request, { namespace: seed.namespace, key: seed.name, compat: seed.compat });
    return heads.map(({ volumeId, lane, layers }) => ({ volumeId, lane, layers, isSeed: true }));
  }
  const { world, caller, signal } = request;
  const { context, run } = caller.project;
  const { directory } = seed;
  const { homeDir } = run.environment;
  const planned = planVolume(world.deps.tools, context, run.environment, volumeRequest(request, subject));
  const layer =
    (await world.deps.seeds.knownOf(world.deps.tools, { planned, directory, homeDir }, signal))?.layer ?? null;
  if (layer === null || !(await world.deps.layers.has(layer, signal))) return [];
  return [{ volumeId: null, lane: seedLane, layers: [layer], isSeed: true }];
}
