import {
  asCachelaneError,
  isHeldFile,
  warningOf,
  type HeadRecord,
  type LayerId,
  type LayerRecord,
  type SessionId,
  type StagedLayer,
  type Tool,
} from '@cachelane/core';
import { cleanUpsAmong } from './clean-ups.ts';
import type { EngineDependencies } from './engine.ts';
import { stageTier, tiersOf, type Tier } from './views/squash.ts';

export type SquashHeadDependencies = Pick<
  EngineDependencies,
  'metadata' | 'layers' | 'remote' | 'clock' | 'bootId' | 'events'
>;

export interface HeadSquash {
  readonly head: HeadRecord;
  readonly tool: Tool;
  /** Its pins keep a collector away from a squash until the head names it. */
  readonly sessionId: SessionId;
}

/**
 * Keeps the list of a head short: where neighbouring layers are as many and as small as a view would squash them, one layer takes their place in the head, for good. What other runs commit meanwhile stays; where
 * somebody else changed those layers, they stay as they are. Returns the head as it is then. A failure costs the next view time, and nothing else: it is told.
 */
export async function squashHead(
  deps: SquashHeadDependencies,
  request: HeadSquash,
  signal: AbortSignal,
): Promise<HeadRecord> {
  let { head } = request;
  try {
    const tiers = (await tiersOf(deps, head.layers, signal)).filter(({ parts }) => parts.length > 0);
    const kept = tiers.length === 0 ? new Set<LayerId>() : await unsentCleanUps(deps, head, signal);
    for (const tier of tiers) {
      if (tier.ids.some((id) => kept.has(id))) continue;
      head = (await replace(deps, request, tier, signal)) ?? head;
    }
  } catch (thrown) {
    const error = asCachelaneError(thrown);
    deps.events(warningOf(error, `layers of lane ${head.lane} were not squashed: ${error.message}`));
  }
  return head;
}

/**
 * Clean-ups that a remote is still to get: where they stand says what they saw. In a squash of which nobody knows any more what it is made of, they would take away from what others did since.
 */
async function unsentCleanUps(
  { metadata, remote }: SquashHeadDependencies,
  { volumeId, lane, layers }: HeadRecord,
  signal: AbortSignal,
): Promise<ReadonlySet<LayerId>> {
  const cleanUps = await cleanUpsAmong(metadata, layers, signal);
  if (cleanUps.size === 0) return cleanUps;
  const all = await metadata.listSyncedHeads(null, signal);
  const records = all.filter((each) => each.volumeId === volumeId && each.lane === lane);
  if (records.length === 0) return remote === null ? new Set() : cleanUps;
  const sent = records.map((record) => new Set(record.layers));
  return new Set([...cleanUps].filter((id) => !sent.every((there) => there.has(id))));
}

async function replace(
  deps: SquashHeadDependencies,
  request: HeadSquash,
  tier: Tier,
  signal: AbortSignal,
): Promise<HeadRecord | undefined> {
  const { metadata, layers, clock } = deps;
  const staged = await layers.stage(await stageTier({ layers, tool: request.tool }, tier, signal), signal);
  await metadata.updateSession(request.sessionId, { pins: [staged.id] }, signal);
  await layers.publish(staged, signal);
  const layer = await recordOf(deps, request, { tier, staged }, signal);
  const { volumeId, lane } = request.head;
  return await metadata.squash({ volumeId, lane, layer, layers: tier.ids, atMs: clock.nowMs() }, signal);
}

async function recordOf(
  { metadata, layers, bootId }: SquashHeadDependencies,
  { head }: HeadSquash,
  { tier, staged }: { readonly tier: Tier; readonly staged: StagedLayer },
  signal: AbortSignal,
): Promise<LayerRecord> {
  const run = await runOf({ metadata }, tier.ids, signal);
  const files = Array.from(staged.index.entries()).filter(isHeldFile).length;
  const { sealedAtMs } = await layers.open(staged.id, signal);
  const counts = { added: files, changed: 0, removed: 0, sizeBytes: staged.sizeBytes };
  return { id: staged.id, volumeId: head.volumeId, run: run ?? head.run, counts, files, sealedAtMs, bootId };
}

/**
 * Who a squash is by: the latest run that made one of its layers. Not one of a clean-up, where there is another one: what takes away gives way to what others did meanwhile, and with a squash
 * of which nothing is known any more all that the others made would.
 */
async function runOf(
  { metadata }: Pick<SquashHeadDependencies, 'metadata'>,
  ids: readonly LayerId[],
  signal: AbortSignal,
): Promise<LayerRecord['run'] | undefined> {
  let latest: LayerRecord['run'] | undefined;
  for (const id of ids) {
    const run = (await metadata.layer(id, signal))?.run;
    latest ??= run;
    if (run !== undefined && (await metadata.run(run, signal))?.purpose !== 'prune') return run;
  }
  return latest;
}
