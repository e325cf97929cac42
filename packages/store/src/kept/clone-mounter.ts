import { dirname } from 'node:path';
import {
  CachelaneError,
  type AttachedVolume,
  type AttachRequest,
  type CollectHow,
  type Collected,
  type DirectoryMount,
  type Mounter,
  type SessionId,
  type Survivor,
} from '@cachelane/core';
import { fromSystem, throwIfAborted } from '../files/file-errors.ts';
import { ensureHomeDir, homePaths, ownerOf } from '../files/home-paths.ts';
import { realFiles, type StoreFiles } from '../files/store-files.ts';
import { openTrash, type Trash } from '../files/trash.ts';
import { byThreads, type FillOptions } from '../filling/file-makers.ts';
import {
  bringUpSlot,
  collectHeld,
  isOfContents,
  type HeldChanges,
  type HeldDirectory,
  type KeptContext,
} from './kept-directory.ts';
import { handOut, isLeftByAll } from './hand-out.ts';
import { takeBackLinks } from '../links/kept-links.ts';
import { leaveDead } from './leave-dead.ts';
import { discardEmpty, discardKept, listKept, listUsed, removeKept } from './kept-garbage.ts';
import { KeptSlots, onceKey, slotsKey, SlotUses, type KeptSlot } from '../slots/kept-slots.ts';
import { readsSinceOf, type ReadsSince } from '../slots/reads-since.ts';
import {
  checkReach,
  displacedBy,
  missingFor,
  reachTarget,
  rootModeFor,
  unlinkTargets,
  type ReachedTarget,
} from './kept-targets.ts';

export interface KeptMounterOptions {
  /** The home: an absolute path without a trailing slash. It exists. */
  readonly dir: string;
  readonly bootId: string;
  /** For tests that interfere with disk operations. */
  readonly files?: StoreFiles;
  /** Default: `limits.sharedSaveMs`. */
  readonly sharedSaveMs?: number;
  /** For tests that want threads, or none. */
  readonly fill?: FillOptions;
}

/** Idle directories kept for one volume and lane. More runs are rarely active at once. */
const idleSlots = 4;

/**
 * Opens the mounter for machines that cannot mount: each run gets its own directory, which is then kept. The next
 * run of the lane reuses it, updated by the differences. Only a run that finds it in use starts another. A run's
 * changes are found by comparing the directory with a table of its old contents.
 */
export function openCloneMounter({
  dir: home,
  bootId,
  files = realFiles,
  fill = byThreads,
}: KeptMounterOptions): Mounter<DirectoryMount> {
  const paths = homePaths(home);
  const trash = (): Trash => openTrash(files, paths, ownerOf(home));
  const uses = new SlotUses(paths.kept, { files, bootId });
  const contextOf = ({ target }: AttachRequest): KeptContext => ({
    files,
    trash,
    ignoresChangeTime: false,
    rootMode: rootModeFor(target, home),
    mayStay: null,
    farFutureAsNs: null,
    fill,
  });

  /** Claims a directory that no run uses, except those in `except`. */
  const claim = async (request: AttachRequest, except: ReadonlySet<number>, signal: AbortSignal): Promise<Claim> => {
    const { sessionId, ordinal, kept, samePath } = request;
    const user = `${sessionId}.${ordinal}`;
    ensureHomeDir(files, paths.kept, ownerOf(home));
    const slots = new KeptSlots(paths.kept, kept === null ? onceKey(user) : slotsKey('clone', kept), { files, bootId });
    using _guard = await slots.guard(signal);
    if (kept !== null) slots.note(kept);
    const { slot, number, others, passedOver } = handOut(slots, { files, bootId }, { samePath, except });
    slot.make();
    uses.add(slot, user, request.run);
    return { slots, slot, number, user, isKept: kept !== null && others < idleSlots, passedOver };
  };

  const take = async (request: AttachRequest, except: ReadonlySet<number>, signal: AbortSignal): Promise<Taken> => {
    const owned = await claim(request, except, signal);
    try {
      const context = { ...contextOf(request), farFutureAsNs: farFutureAs(request, owned.slot) };
      return { owned, held: await bringUpSlot(context, owned.slot, request.view, signal) };
    } catch (error) {
      leave(owned);
      if (except.size > 0 || !isOfContents(error)) throw error;
      // We cannot even set the contents aside, so use another directory.
      return await take(request, new Set([owned.number]), signal);
    }
  };

  const leave = ({ slot, user }: Claim): void => {
    uses.remove(slot, user);
    if (slot.isOnce) dropSlot(slot);
  };

  const attach = async (request: AttachRequest, signal: AbortSignal): Promise<AttachedVolume<DirectoryMount>> => {
    const { target, reach } = request;
    checkReach(target, home, reach);
    const { owned, held } = await take(request, new Set(), signal);
    try {
      const reached = await reachTarget({ files, home, request, tree: owned.slot.tree });
      return attachedVolume(request, { held, reached, owned, readsSince: readsSinceOf(files, request, owned.slot) });
    } catch (error) {
      leave(owned);
      throw error;
    }
  };

  const attachedVolume = (
    request: AttachRequest,
    { held, reached, owned, readsSince }: Held,
  ): AttachedVolume<DirectoryMount> => {
    const { slots, slot, user, isKept, passedOver } = owned;
    let found: HeldChanges | null = null;
    let isReleased = false;
    const collect = (signal: AbortSignal): Collected => {
      found = collectHeld(contextOf(request), { ...held, readsSince }, signal);
      const { changes, used } = found;
      return { kind: 'changes', changes, used, links: request.links, alsoOf: [], part: null, saved: () => {} };
    };
    const release = async (signal: AbortSignal): Promise<void> => {
      if (isReleased) return;
      isReleased = true;
      takeBackLinks(files, slot.tree);
      if (isKept) {
        // A program that knows the path may still write.
        found?.close({ isFinal: request.samePath && isLeftByAll(slot) });
        uses.remove(slot, user);
        return;
      }
      // Under the guard: otherwise another run could find the directory free before it is deleted.
      using guard = slot.isOnce ? null : await slots.guard(signal);
      uses.remove(slot, user);
      dropSlot(slot);
      if (guard !== null) discardEmpty({ files, trash }, slots, guard);
    };
    return {
      mount: { kind: 'directory', target: reached.path, path: slot.tree, bind: request.reach === 'bind' },
      links: request.links,
      madeDirs: reached.made,
      passedOver,
      displacedBy: () => displacedBy(reached, slot.tree),
      collect: (signal, _how: CollectHow) => inPort('collecting changes', signal, () => collect(signal)),
      release: (signal) => inPort('releasing a volume', signal, async () => await release(signal)),
    };
  };

  const dropSlot = (slot: KeptSlot): void => {
    discardKept({ files, trash }, slot.isOnce ? dirname(slot.dir) : slot.dir);
  };

  const discardSession = async (id: SessionId, signal: AbortSignal): Promise<void> => {
    for (const { slot, user } of uses.of(id)) {
      await leaveDead({ files, bootId, uses, slot, user }, signal);
      if (slot.isOnce) dropSlot(slot);
    }
  };

  return {
    name: 'clone',
    missingDirs: (target, reach) => missingFor(target, home, reach),
    attach: (request, signal) => inPort('attaching a volume', signal, async () => await attach(request, signal)),
    removeTargets: (dirs) => {
      unlinkTargets(files, home, dirs);
    },
    listKept: (signal) =>
      inPort('listing kept directories', signal, () => listKept(paths.kept, 'clone', { files, bootId })),
    listUsed: (signal) => inPort('listing kept directories', signal, () => listUsed(uses, 'clone', { files, bootId })),
    removeKept: (directories, signal) =>
      inPort(
        'removing kept directories',
        signal,
        async () => await removeKept({ files, trash, bootId, kept: paths.kept }, directories, signal),
      ),
    sessions: (signal) => inPort('listing sessions', signal, () => uses.sessions()),
    discardSession: (id, signal) =>
      inPort('discarding a session', signal, async () => await discardSession(id, signal)),
  };
}

/** Older than Go's interval for noting a use (an hour), but younger than its limit for deletion (five days). */
const refreshedAfterMs = 2 * 3_600_000;

/** Null for kept directories, whose files would need their own times back. */
function farFutureAs({ looks, kept }: AttachRequest, slot: KeptSlot): bigint | null {
  return looks && kept === null ? BigInt(Math.round(slot.clockMs() - refreshedAfterMs)) * 1_000_000n : null;
}

interface Claim {
  readonly slots: KeptSlots;
  readonly slot: KeptSlot;
  readonly number: number;
  readonly user: string;
  readonly isKept: boolean;
  readonly passedOver: readonly Survivor[];
}

interface Taken {
  readonly owned: Claim;
  readonly held: HeldDirectory;
}

interface Held extends Taken {
  readonly reached: ReachedTarget;
  readonly readsSince: ReadsSince;
}

/** Runs one call of the port. Throws E_ABORTED if it is already aborted, and converts system errors. */
export async function inPort<T>(doing: string, signal: AbortSignal, call: () => T | Promise<T>): Promise<T> {
  throwIfAborted(signal);
  try {
    return await call();
  } catch (error) {
    if (error instanceof CachelaneError) throw error;
    throw fromSystem(error, doing);
  }
}
