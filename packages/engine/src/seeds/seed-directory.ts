import {
  CachelaneError,
  seedText,
  type ChangeSet,
  type LayerId,
  type SeedCopy,
  type SeedNote,
  type Tool,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { neverAborted } from '../base/never-aborted.ts';
import { planSeal } from '../save/seal-plan.ts';
import type { Ids } from '../model/session-input.ts';
import { emptyView } from '../views/view.ts';
import { keepingSecrets } from '../volumes/keep-secrets.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { seedKey } from '../model/seeds.ts';
import { admitSeed, roomForSeed, type SeedToAdmit } from './admit-seed.ts';

export interface SessionSeed extends SeedToAdmit {
  readonly ids: Ids;
  /** No volume of the session uses it. */
  readonly ordinal: number;
}

/** File systems stamp times in ticks, so a change this close to a look may leave the stamp equal. */
const settledMs = 2000;

/**
 * Returns a directory as a layer that the session pins; null if nothing in it is stored. No head names the layer, so it is never pushed. It is collected when unpinned.
 * Errors: those of {@link SeedFiles} and of the store; E_QUOTA if it is too large.
 */
export async function layerOfDirectory(
  deps: EngineDependencies,
  seed: SessionSeed,
  signal: AbortSignal,
): Promise<LayerId | null> {
  const { directory, ids, planned } = seed;
  const { files } = deps.seeds;
  const key = seedKey(deps.tools, seed);
  return await deps.seeds.inTurn(key, async () => {
    const atMs = deps.clock.nowMs();
    const { path, stamp, changedAtMs, sizeBytes } = await files.look(directory, signal);
    const admitted = await admitSeed(deps, seed, { sizeBytes, signal });
    const known = await deps.seeds.knownOf(deps.tools, seed, signal);
    if (known?.stamp === stamp && (await isStillThere(deps, ids, known.layer, signal))) {
      tellLeftOut(deps, planned, { directory, leftOut: known.leftOut });
      return known.layer;
    }
    const tool = keepingSecrets(seed.planned.tool, { target: path, homeDir: seed.homeDir, tools: deps.tools });
    const room = await roomForSeed(deps, seed, { sizeBytes, signal });
    const read = await readDirectory(deps, { ...seed, tool, maxBytes: Math.min(admitted, room) }, signal);
    // With an empty stamp it is read again by later runs, but not by this process.
    await files.note(key, { stamp: changedAtMs < atMs - settledMs ? stamp : '', ...read }, signal);
    return read.layer;
  });
}

/** A collector may have removed it. Collectors check pins first. */
async function isStillThere(
  deps: EngineDependencies,
  { sessionId }: Ids,
  layer: LayerId | null,
  signal: AbortSignal,
): Promise<boolean> {
  if (layer === null) return true;
  await deps.metadata.updateSession(sessionId, { pins: [layer] }, signal);
  return await deps.layers.has(layer, signal);
}

interface Reading extends SessionSeed {
  /** Also never stores credentials known by their place. */
  readonly tool: Tool;
  readonly maxBytes: number;
}

/** Reads the directory like the changes of a run, inside a directory of the session, so that recovery removes it after a kill. */
async function readDirectory(
  deps: EngineDependencies,
  { planned, tool, directory, ids, ordinal, maxBytes }: Reading,
  signal: AbortSignal,
): Promise<Omit<SeedNote, 'stamp'>> {
  const attached = await deps.mounters.clone.attach(
    {
      ...ids,
      ordinal,
      view: [],
      links: [],
      target: planned.target,
      reach: 'setting',
      kept: null,
      amongMounts: async () => await Promise.resolve(),
      near: directory,
      looks: false,
      samePath: false,
      isNeverSaved: () => false,
    },
    signal,
  );
  try {
    const { leftOut } = await deps.seeds.files.copy(directory, { into: attached.mount, maxBytes }, signal);
    tellLeftOut(deps, planned, { directory, leftOut });
    const collected = await attached.collect(signal, { inUse: false, wanted: true });
    if (collected.kind !== 'changes') throw new CachelaneError('E_INTERNAL', 'a seed of its own is shared');
    return { layer: await seal(deps, { tool, ids, changes: collected.changes }, signal), leftOut };
  } finally {
    await attached.release(neverAborted);
  }
}

interface Sealing {
  readonly tool: Tool;
  readonly ids: Ids;
  readonly changes: ChangeSet;
}

const nothing = (): void => {};

async function seal(
  deps: EngineDependencies,
  { tool, ids: { sessionId }, changes }: Sealing,
  signal: AbortSignal,
): Promise<LayerId | null> {
  const nowMs = deps.clock.nowMs();
  const { entries } = planSeal({
    changes,
    view: emptyView,
    tool,
    origins: [],
    nowMs,
    checksLinks: false,
    part: null,
    onlyKnown: false,
    onUnknown: nothing,
    prunes: false,
    onDamage: nothing,
    onProgress: nothing,
  });
  if (entries.length === 0) return null;
  const staged = await deps.layers.stage({ changes, entries, sealedAtMs: nowMs }, signal);
  // Pin before publishing: a collector must never see it unpinned.
  await deps.metadata.updateSession(sessionId, { pins: [staged.id] }, signal);
  await deps.layers.publish(staged, signal);
  return staged.id;
}

function tellLeftOut(
  deps: EngineDependencies,
  { request: { name, seed } }: PlannedVolume,
  { directory, leftOut }: SeedCopy & { readonly directory: string },
): void {
  if (leftOut === 0) return;
  const what = 'which are symlinks out of it, special files, unreadable, or changed while being read';
  const from = seed === null ? directory : seedText(seed);
  const message = `${name} is seeded from ${from} without ${leftOut} of its entries, ${what}`;
  deps.events({ type: 'warning', code: 'E_LAYER_REFUSED', message, hint: null });
}
