import { CachelaneError, type LaneName, type RunId, type SessionId, type Tool, type VolumeId } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { savedBy, type SavedVolume } from '../save/saved-by.ts';
import { isAlive, type LifeDependencies } from '../leases/recover.ts';

/** A fork that is not at hand any more: its engine or its session has ended, or it was ended itself. */
export interface GoneFork {
  readonly session: SessionId;
  readonly run: RunId;
  readonly lane: LaneName;
  /** In the order in which they are saved. */
  readonly volumes: readonly GoneVolume[];
}

export interface GoneVolume {
  readonly name: string;
  /** Null: the store has no such volume. */
  readonly id: VolumeId | null;
  readonly tool: Tool;
  /** Why the fork would have saved nothing of it, whatever was changed. */
  readonly skipped: string | null;
  /** The store knows nothing of it, and no session has it. */
  readonly isUnstored?: boolean;
}

type RecallDependencies = LifeDependencies & Pick<EngineDependencies, 'metadata' | 'layers'>;

/** What history says of a volume that the commit went past. */
const leftNothing = 'history has nothing of it: it was unchanged, or was not saved for a reason that was told then';

/**
 * What the commit of a fork came to, by what history says: a volume was saved whole or not at all, and one after the other. Errors: E_LOCKED (retryable) while its session lives, E_NOT_SAVED where it did not get to the end, naming what was saved and what was not. A last volume in which
 * nothing was changed is not told from one that was not saved: as it is now, it is what it was before.
 */
export async function recallFork(
  deps: RecallDependencies,
  fork: GoneFork,
  signal: AbortSignal,
): Promise<readonly SavedVolume[]> {
  // Before history is read: afterwards it may have ended in between.
  if (await isOpenStill(deps, fork, signal)) throw notOver();
  const { run, lane, volumes } = fork;
  const known: (SavedVolume | null)[] = [];
  for (const { name, id: volumeId, tool, skipped } of volumes) {
    const saved = volumeId === null ? null : await savedBy(deps, { name, tool, run, volumeId, lane }, signal);
    known.push(saved ?? (skipped === null ? null : savedNothing(name, skipped)));
  }
  const end = known.findLastIndex((each) => each?.layer !== null && each?.layer !== undefined);
  const names = volumes.map(({ name }) => name);
  const missing = names.filter((_, index) => index > end && known[index] === null);
  if (missing.length > 0) throw notSaved({ run, saved: names.filter((_, index) => known[index]?.layer), missing });
  return names.map((name, index) => known[index] ?? savedNothing(name, leftNothing));
}

/** Only of a session that is this fork in everything that was said of it: of others nothing is told, not even that they live. */
async function isOpenStill(
  { metadata, ...life }: RecallDependencies,
  fork: GoneFork,
  signal: AbortSignal,
): Promise<boolean> {
  const session = (await metadata.listSessions(signal)).find(({ id }) => id === fork.session);
  const all = await metadata.listSessionVolumes(signal);
  if (session?.run !== fork.run || session.lane !== fork.lane) return false;
  const opened = new Set(all.filter((each) => each.session === session.id).map(({ volumeId }) => volumeId));
  const stored = fork.volumes.filter(({ isUnstored = false }) => !isUnstored);
  if (!stored.every(({ id }) => id !== null && opened.has(id))) return false;
  return await isAlive(life, session, signal);
}

function notOver(): CachelaneError {
  return new CachelaneError('E_LOCKED', 'the fork is not over: whoever attached it has it, or its end is under way', {
    hint: 'whoever attached it can commit or discard it; once that is done, what was saved is told here',
    retryable: true,
  });
}

function savedNothing(name: string, skipped: string): SavedVolume {
  return {
    name,
    added: 0,
    changed: 0,
    removed: 0,
    savedBytes: 0,
    layer: null,
    merged: 0,
    conflicts: [],
    skipped,
  };
}

interface Outcome {
  readonly run: RunId;
  readonly saved: readonly string[];
  readonly missing: readonly string[];
}

function notSaved({ run, saved, missing }: Outcome): CachelaneError {
  const what = saved.length === 0 ? 'nothing of the fork was saved' : `of the fork ${saved.join(', ')} was saved`;
  return new CachelaneError(
    'E_NOT_SAVED',
    `the fork has ended, and ${what}; not saved, or unchanged: ${missing.join(', ')}`,
    {
      hint: `each volume is as before or as after: history has what was saved with ${run}; attach again for the rest, and make the changes anew`,
    },
  );
}
