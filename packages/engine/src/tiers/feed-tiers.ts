import {
  asCachelaneError,
  invariant,
  isPersonal,
  mayReach,
  newId,
  warningOf,
  type FedTier,
  type NamespaceId,
  type OpenedVolume,
  type RunId,
  type VolumeRecord,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { admitSave } from '../evictions/admit-save.ts';
import { neverAborted } from '../base/never-aborted.ts';
import { closeSession } from '../leases/close-session.ts';
import { boundsOf } from '../sharing/bounds-of.ts';
import { squashHead } from '../heads/squash-head.ts';
import { findVolume } from '../volumes/find-volume.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { feedTier, unverifiedAmong, type Fed } from './feed-tier.ts';
import { isTakenAlong } from './taken-along.ts';
import { tiersOfRun, type TierOfRun } from './tiers-of-run.ts';
import { whyOtherTool } from './tool-of-tier.ts';

export interface FeedRequest {
  readonly planned: PlannedVolume;
  readonly opened: Pick<OpenedVolume, 'volume'>;
  readonly run: RunId;
}

/** Feeds the own lane to each tier with a rule for it. A failure gives a warning and leaves the save alone; the next run of the lane tries again. */
export async function feedTiers(
  deps: EngineDependencies,
  request: FeedRequest,
  signal: AbortSignal,
): Promise<readonly FedTier[]> {
  const { planned } = request;
  const fed: FedTier[] = [];
  const told = (thrown: unknown, what: string): void => {
    const error = asCachelaneError(thrown);
    deps.events(warningOf(error, `${planned.request.name} was not fed to ${what}: ${error.message}`));
  };
  try {
    const tiers = await knownTiers(deps, planned, signal);
    for (const tier of await tiersOfRun(deps.metadata, { ...planned, tiers }, signal)) {
      if (tier.why !== null) continue;
      try {
        const done = await feedOne(deps, request, tier, signal);
        if (done !== null) fed.push(toReport(tier, done));
      } catch (thrown) {
        told(thrown, tier.namespace);
      }
    }
  } catch (thrown) {
    told(thrown, 'its tiers');
  }
  return fed;
}

/**
 * Returns the tiers that a session may know of: for a confined session, those that it may read. The next unconfined run of the lane feeds
 * the others.
 */
async function knownTiers(
  { metadata }: EngineDependencies,
  { boundedTo, tiers, request: { name: volume }, own: { lane } }: PlannedVolume,
  signal: AbortSignal,
): Promise<PlannedVolume['tiers']> {
  if (boundedTo === null || tiers.length === 0) return tiers;
  const bounds = await boundsOf({ metadata }, boundedTo, signal);
  return tiers.filter((namespace) => mayReach(bounds, { namespace, volume, access: 'read', lane }));
}

function toReport({ namespace }: TierOfRun, { head, layers }: Fed): FedTier {
  const sizeBytes = layers.reduce((sum, { counts }) => sum + counts.sizeBytes, 0);
  return { namespace, lane: head.lane, layers: layers.length, sizeBytes };
}

/** Feeds one tier in its own session, which creates the tier's volume if needed. Returns null if the tier lacks nothing or was removed. */
async function feedOne(
  deps: EngineDependencies,
  { planned, opened, run }: FeedRequest,
  tier: TierOfRun,
  signal: AbortSignal,
): Promise<Fed | null> {
  const sessionId = newId('session', deps.random.bytes(16));
  await using _lease = await deps.leases.acquire(sessionId, signal);
  const opening = await openTier(deps, { planned, tier, run, sessionId }, signal);
  try {
    if (tier.id !== null && opening.namespaceId !== tier.id) return null;
    const { volume } = opening;
    const { namespace } = tier;
    const question = { planned, tier: { namespace, id: opening.namespaceId }, volume };
    const otherTool = await whyOtherTool(deps.metadata, question, signal);
    if (otherTool !== null) throw otherTool;
    const { lane } = planned.own;
    const { name } = planned.request;
    const fed = await feedTier(
      deps,
      {
        own: { volumeId: opened.volume.id, lane },
        tier: { volumeId: volume.id, lane },
        tool: planned.tool,
        isRefused: async (ids) =>
          isPersonal(namespace)
            ? (await unverifiedAmong(deps, { ids, tool: planned.tool }, signal)) !== null
            : await isTakenAlong(deps, { planned, tierId: opening.namespaceId, ids }, signal),
        run,
        sessionId,
        admit: async (heldBytes) =>
          await admitSave(deps, { namespace, volume: name, lane, lanePolicy: null, sizeBytes: 0, heldBytes }, signal),
      },
      signal,
    );
    if (fed === null) return null;
    return { ...fed, head: await squashHead(deps, { head: fed.head, tool: planned.tool, sessionId }, neverAborted) };
  } finally {
    await closeSession(deps, sessionId);
  }
}

interface Opening {
  readonly planned: PlannedVolume;
  readonly tier: TierOfRun;
  readonly run: RunId;
  readonly sessionId: ReturnType<typeof newId<'session'>>;
}

async function openTier(
  { metadata, random, clock, bootId }: EngineDependencies,
  { planned, tier, run, sessionId }: Opening,
  signal: AbortSignal,
): Promise<{ readonly namespaceId: NamespaceId; readonly volume: VolumeRecord }> {
  const { compat, tool, own } = planned;
  const { namespace } = tier;
  const { name } = planned.request;
  const known = await findVolume(metadata, { namespace, name, compat }, signal);
  const atMs = clock.nowMs();
  const fresh = { namespace: newId('namespace', random.bytes(16)), volume: newId('volume', random.bytes(16)) };
  const opened = await metadata.openSession(
    {
      sessionId,
      // The run is known already.
      run: { id: run, lane: own.lane, startedAtMs: atMs, revision: null, workflow: null, purpose: 'run' },
      namespace,
      freshNamespaceId: fresh.namespace,
      directory: null,
      adoptFrom: null,
      mayWrite: true,
      reads: false,
      volumes: [
        {
          name,
          compat,
          tool: tool.name,
          // A project that feeds a tier does not decide whether the tier is synced.
          sync: known?.sync ?? null,
          chain: [{ namespace, lane: own.lane }],
          lock: false,
          freshId: fresh.volume,
          freshNamespaceId: fresh.namespace,
        },
      ],
      targets: [],
      bootId,
      atMs,
    },
    signal,
  );
  const volume = opened.volumes[0]?.volume;
  invariant(volume !== undefined, 'a session has the volumes that it opened');
  return { namespaceId: opened.namespace.id, volume };
}
