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

/** Frees what attached volumes of a dead session left behind, whichever way they were attached. */
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
  /** The volume could be mounted, and is in a directory of this run alone so that it shows what the run uses. */
  readonly isLook: boolean;
}

export interface MounterQuestion {
  /** What the person asked for. */
  readonly wanted: MounterName | null;
  /** Null: volumes can be mounted, as far as is known; else why not. */
  readonly cannotMount: string | null;
  readonly mode: CacheMode;
  readonly purpose: RunPurpose;
  readonly canWrite: boolean;
  /** Whether it is to be seen what the run uses, where that costs no more than time. */
  readonly isLookDue: boolean;
}

/** Which way a volume is attached. */
export function chooseMounter(planned: PlannedVolume, question: MounterQuestion): MounterChoice {
  const way = planned.isRedirectable ? 'setting' : question.cannotMount === null ? 'bind' : 'symlink';
  const chosen = chooseWay(planned, question);
  const sharing = sharingIn(chosen.mounter, planned, question);
  const isLook = chosen.isLook === true;
  // At its own place, as in every other run: not all that a command starts may heed the setting.
  return { ...chosen, reach: isLook ? 'bind' : way, sharing, isLook };
}

/** Whether a run takes the lock of a LOCKED volume: only who may save has something to keep from others. */
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
  return { mounter: 'clone', why: 'it is near its budget, and what this run uses of it is looked at', isLook: true };
}

/** What is asked for, or suits the tool. */
function sharingOf({ request, tool, isRedirectable }: PlannedVolume): SharingMode {
  return request.sharing ?? (tool.linksOut && isRedirectable ? 'SHARED' : 'PRIVATE');
}

function whyLive({ request, tool }: PlannedVolume, wanted: MounterName | null): string {
  if (wanted === 'live') return whyWanted(wanted, { request });
  return request.sharing === 'SHARED' ? 'its sharing is SHARED' : `${tool.name} links files out of its cache`;
}

/** Flags that contradict each other are refused before; over what a file says a flag wins. */
function whyWanted(wanted: MounterName, { request: { sharing } }: Pick<PlannedVolume, 'request'>): string {
  const asked = 'asked for with --mounter';
  return sharing === null || suits(wanted, sharing) ? asked : `${asked}, which wins over its sharing ${sharing}`;
}

/** Whether runs can be at work in a volume as `sharing` says where it is attached this way. */
export function suits(mounter: MounterName, sharing: SharingMode): boolean {
  return sharing === 'LOCKED' || (sharing === 'SHARED') === (mounter === 'live');
}

/** A run whose work is not kept must not work where others do. */
function whyNotShared({ commit }: PlannedVolume, { mode, purpose, canWrite }: MounterQuestion): string | null {
  // Where others work, nobody could tell what it removed from what they did.
  if (purpose === 'prune') return 'what is pruned is a view of its own';
  if (!canWrite) return 'a run that may not save has a view of its own';
  if (commit === 'never') return 'with commit never a run has a view of its own';
  return mode === 'write' ? null : `with --mode ${mode} a run has a view of its own`;
}

function unshared({ cannotMount }: MounterQuestion): Way {
  return cannotMount === null ? { mounter: 'overlay', why: usualMounterWhy } : { mounter: 'clone', why: cannotMount };
}
