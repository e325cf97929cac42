import {
  asCachelaneError,
  CachelaneError,
  newId,
  seedLane,
  seedText,
  warningOf,
  type LayerId,
  type OpenedSession,
  type OpenedVolume,
  type OpenVolume,
  type VolumeRecord,
  type VolumeSeed,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import type { Ids, SessionInput } from '../model/session-input.ts';
import { findVolume } from '../volumes/find-volume.ts';
import { chainFor } from '../volumes/plan.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { layerOfDirectory } from './seed-directory.ts';

type VolumeOf<Kind extends VolumeSeed['kind']> = Extract<VolumeSeed, { readonly kind: Kind }>;

/** A volume used as a seed. The session opens it too, which pins its layers and records the read. */
export interface SeedVolume {
  /** The index of the volume that it seeds. */
  readonly index: number;
  readonly seed: VolumeOf<'volume'>;
  readonly open: OpenVolume;
}

/** A cold start has no seed, and a prune sees one lane only. */
export function takesSeeds({ mode, purpose }: Pick<SessionInput, 'mode' | 'purpose'>): boolean {
  return mode !== 'write-only' && purpose === 'run';
}

/** Returns the known seed volumes. Errors: E_VOLUME for another tool, or for the volume itself. */
export async function seedVolumes(
  { metadata, random }: Pick<EngineDependencies, 'metadata' | 'random'>,
  { context, signal }: Pick<SessionInput, 'context' | 'signal'>,
  planned: readonly PlannedVolume[],
): Promise<readonly SeedVolume[]> {
  const found: SeedVolume[] = [];
  for (const [index, plan] of planned.entries()) {
    const { seed } = plan.request;
    if (seed?.kind !== 'volume') continue;
    const chain = chainFor(context, seed);
    // Treat volumes outside the session's bounds as missing.
    if (chain.length === 0) continue;
    const volume = await findVolume(metadata, seed, signal);
    if (volume === undefined) continue;
    requireSuited(plan, seed, volume);
    const own = await findVolume(metadata, { ...plan.own, name: plan.request.name, compat: plan.compat }, signal);
    if (own?.id === volume.id) throw unsuited(plan, 'a volume cannot be its own seed');
    found.push({ index, seed, open: toOpen({ chain, random }, seed, volume) });
  }
  return found;
}

function requireSuited(plan: PlannedVolume, seed: VolumeSeed, { tool }: VolumeRecord): void {
  if (tool !== plan.tool.name)
    throw unsuited(plan, `${seedText(seed)} is a volume of ${tool}, but this volume is of ${plan.tool.name}`);
}

function unsuited({ request: { name } }: PlannedVolume, why: string): CachelaneError {
  return new CachelaneError('E_VOLUME', `${name} cannot be seeded: ${why}`, {
    hint: 'a seed is another volume of the same tool, or a directory',
  });
}

/** Opened as recorded, so that reading it changes nothing. */
function toOpen(
  { chain, random }: Pick<OpenVolume, 'chain'> & Pick<EngineDependencies, 'random'>,
  { name, compat }: VolumeOf<'volume'>,
  { tool, sync }: VolumeRecord,
): OpenVolume {
  return {
    name,
    compat,
    tool,
    sync,
    chain,
    lock: false,
    freshId: newId('volume', random.bytes(16)),
    freshNamespaceId: newId('namespace', random.bytes(16)),
  };
}

/** Returns the session with its own volumes, each with its seed below. `seeds`: opened after them, in order. */
export function laidOn(opened: OpenedSession, seeds: readonly SeedVolume[]): OpenedSession {
  const own = opened.volumes.length - seeds.length;
  let volumes = opened.volumes.slice(0, own);
  for (const [at, { index, seed }] of seeds.entries()) {
    const layers = (opened.volumes[own + at]?.pinned ?? []).flatMap((link) => link.layers);
    volumes = volumes.with(index, seededWith(volumes[index] as OpenedVolume, seed.namespace, layers));
  }
  return { ...opened, volumes };
}

function seededWith(
  volume: OpenedVolume,
  namespace: PlannedVolume['own']['namespace'],
  layers: readonly LayerId[],
): OpenedVolume {
  const distinct = [...new Set(layers)];
  if (distinct.length === 0) return volume;
  return { ...volume, pinned: [...volume.pinned, { namespace, lane: seedLane, generation: 0, layers: distinct }] };
}

interface Seeding {
  readonly planned: readonly PlannedVolume[];
  readonly opened: OpenedSession;
  readonly ids: Ids;
}

/** Returns the session with seed directories below its volumes. A run that is not strict skips seeds that fail. Errors: those of {@link layerOfDirectory}. */
export async function withSeedDirectories(
  deps: EngineDependencies,
  request: Pick<RunCommandRequest, 'environment' | 'lanePolicy' | 'mode' | 'purpose' | 'strict' | 'signal'>,
  { planned, opened, ids }: Seeding,
): Promise<OpenedSession> {
  if (!takesSeeds(request)) return opened;
  const { lanePolicy, environment } = request;
  const { homeDir } = environment;
  let { volumes } = opened;
  for (const [index, plan] of planned.entries()) {
    const { name, seed } = plan.request;
    const volume = volumes[index];
    if (seed?.kind !== 'directory' || volume === undefined) continue;
    const { directory } = seed;
    const ordinal = planned.length + index;
    try {
      const wanted = { planned: plan, directory, homeDir, lanePolicy, ids, ordinal };
      const layer = await layerOfDirectory(deps, wanted, request.signal);
      if (layer !== null) volumes = volumes.with(index, seededWith(volume, plan.own.namespace, [layer]));
    } catch (thrown) {
      if (request.strict || request.signal.aborted) throw thrown;
      const error = asCachelaneError(thrown);
      deps.events(warningOf(error, `${name} is not seeded: ${error.message}`));
    }
  }
  return { ...opened, volumes };
}
