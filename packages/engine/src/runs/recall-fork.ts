import { CachelaneError, type LaneName, type RunId, type SessionId, type Tool, type VolumeId } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { savedBy, type SavedVolume } from '../save/saved-by.ts';
import { isAlive, type LifeDependencies } from '../leases/recover.ts';

/** A fork that is gone: its engine or session ended, or it was ended. */
export interface GoneFork {
  readonly session: SessionId;
  readonly run: RunId;
  readonly lane: LaneName;
  /** In the order of saving. */
  readonly volumes: readonly GoneVolume[];
}

export interface GoneVolume {
  readonly name: string;
  /** Null: the store has no such volume. */
  readonly id: VolumeId | null;
  readonly tool: Tool;
  /** Why the fork could not save it. */
  readonly skipped: string | null;
  /** Neither the store nor a session knows it. */
  readonly isUnstored?: boolean;
}

type RecallDependencies = LifeDependencies & Pick<EngineDependencies, 'metadata' | 'layers'>;

/** For a volume before the last saved one. */
const leftNothing = 'history has no entry: it was unchanged, or a reason was reported at the time';

/**
 * Returns the result of a fork's commit by the history: volumes are saved one after the other, each whole or not at all. Errors: E_LOCKED
 * (retryable) while its session lives; E_NOT_SAVED if the commit did not finish, with what was saved. An unchanged last volume counts as
 * unsaved, since both look alike.
 */
export async function recallFork(
  deps: RecallDependencies,
  fork: GoneFork,
  signal: AbortSignal,
): Promise<readonly SavedVolume[]> {
  // Check before reading history: the fork may end in between.
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

/** Only for the session of exactly this fork. Nothing is revealed about other sessions. */
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
  return new CachelaneError('E_LOCKED', 'the fork is still open, or is just ending', {
    hint: 'its client can commit or discard it; after that, ask again for the result',
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
      hint: `history shows what ${run} saved; attach again and repeat the other changes`,
    },
  );
}
