import {
  usualMounterWhy,
  type RunPurpose,
  type MounterName,
  type Mounters,
  type Reach,
  type SessionId,
  type SharingMode,
} from '@cachelane/core';
import type { CacheMode } from '../model/run-request.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';

/** Removes what a dead session left in any mounter. */
export async function discardSession(mounters: Mounters, id: SessionId, signal: AbortSignal): Promise<void> {
  for (const mounter of new Set(Object.values(mounters))) await mounter.discardSession(id, signal);
}

export function removeTargets(mounters: Mounters, paths: readonly string[]): void {
  for (const mounter of new Set(Object.values(mounters))) mounter.removeTargets(paths);
}

export interface MounterChoice {
  readonly mounter: MounterName;
  /** For people, one clause. */
  readonly why: string;
  readonly reach: Reach;
  readonly sharing: SharingMode;
  /** The volume is attached privately as a clone to observe what the run uses. */
  readonly isLook: boolean;
}

export interface MounterQuestion {
  readonly wanted: MounterName | null;
  /** Null: volumes can be mounted, as far as known; else the reason. */
  readonly cannotMount: string | null;
  readonly mode: CacheMode;
  readonly purpose: RunPurpose;
  readonly canWrite: boolean;
  /** Whether to observe what the run uses, if that only costs time. */
  readonly isLookDue: boolean;
}

/** Chooses how a volume is attached. */
export function chooseMounter(planned: PlannedVolume, question: MounterQuestion): MounterChoice {
  const way = planned.isRedirectable ? 'setting' : question.cannotMount === null ? 'bind' : 'symlink';
  const chosen = chooseWay(planned, question);
  const sharing = sharingIn(chosen.mounter, planned, question);
  const isLook = chosen.isLook === true;
  // A usage check uses the usual path, because some child processes ignore the tool's setting.
  return { ...chosen, reach: isLook ? 'bind' : way, sharing, isLook };
}

/** Returns whether the run takes the lock of a LOCKED volume. Only a run that may save does. */
export function mayLock({ mode, canWrite }: Pick<MounterQuestion, 'mode' | 'canWrite'>): boolean {
  return canWrite && (mode === 'write' || mode === 'write-only');
}

function sharingIn(mounter: MounterName, { request }: PlannedVolume, question: MounterQuestion): SharingMode {
  if (request.sharing === 'LOCKED' && mayLock(question)) return 'LOCKED';
  return mounter === 'live' ? 'SHARED' : 'PRIVATE';
}

type Way = Pick<MounterChoice, 'mounter' | 'why'> & { readonly isLook?: true };

function chooseWay(planned: PlannedVolume, question: MounterQuestion): Way {
  const { wanted, cannotMount, isLookDue } = question;
  const isLive = wanted === 'live' || (wanted === null && sharingOf(planned) === 'SHARED');
  if (isLive) {
    const against = whyNotShared(planned, question);
    if (against === null) return { mounter: 'live', why: whyLive(planned, wanted) };
    return { ...unshared(question), why: against };
  }
  if (wanted !== null) return { mounter: wanted, why: whyWanted(wanted, planned) };
  if (cannotMount !== null || !isLookDue) return unshared(question);
  return { mounter: 'clone', why: 'it is near its budget, so the reads of this run are observed', isLook: true };
}

function sharingOf({ request, tool, isRedirectable }: PlannedVolume): SharingMode {
  return request.sharing ?? (tool.linksOut && isRedirectable ? 'SHARED' : 'PRIVATE');
}

function whyLive({ request, tool }: PlannedVolume, wanted: MounterName | null): string {
  if (wanted === 'live') return whyWanted(wanted, { request });
  return request.sharing === 'SHARED' ? 'its sharing is SHARED' : `${tool.name} links files out of its cache`;
}

/** A flag wins over a file. Contradicting flags were refused earlier. */
function whyWanted(wanted: MounterName, { request: { sharing } }: Pick<PlannedVolume, 'request'>): string {
  const asked = 'asked for with --mounter';
  return sharing === null || suits(wanted, sharing) ? asked : `${asked}, which wins over its sharing ${sharing}`;
}

/** Returns whether a mounter supports a sharing mode. */
export function suits(mounter: MounterName, sharing: SharingMode): boolean {
  return sharing === 'LOCKED' || (sharing === 'SHARED') === (mounter === 'live');
}

/** A run that discards its changes must not share a directory. */
function whyNotShared({ commit }: PlannedVolume, { mode, purpose, canWrite }: MounterQuestion): string | null {
  // In a shared directory, its removals cannot be told from changes of others.
  if (purpose === 'prune') return 'a prune needs a private view';
  if (!canWrite) return 'a run that may not save has a private view';
  if (commit === 'never') return 'a run with commit never has a private view';
  return mode === 'write' ? null : `a run with --mode ${mode} has a private view`;
}

function unshared({ cannotMount }: MounterQuestion): Way {
  return cannotMount === null ? { mounter: 'overlay', why: usualMounterWhy } : { mounter: 'clone', why: cannotMount };
}
