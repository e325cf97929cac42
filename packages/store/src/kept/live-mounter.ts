import { existsSync } from 'node:fs';
import type {
  AttachedVolume,
  AttachRequest,
  CollectHow,
  Collected,
  DirectoryMount,
  Mounter,
  RunId,
  SessionId,
} from '@cachelane/core';
import { ensureHomeDir, homePaths, ownerOf } from '../layers/home-paths.ts';
import { realFiles } from '../layers/store-files.ts';
import { openTrash, type Trash } from '../layers/trash.ts';
import { inPort, type KeptMounterOptions } from './clone-mounter.ts';
import {
  bringUpSlot,
  collectHeld,
  requireTree,
  takeUpSlot,
  type HeldDirectory,
  type KeptContext,
} from './kept-directory.ts';
import { discardKept, listKept, notePlace, removeKept } from './kept-garbage.ts';
import { KeptSlots, onceKey, slotsKey, SlotUses, type KeptSlot } from './kept-slots.ts';
import {
  checkReach,
  displacedBy,
  leaveTarget,
  missingFor,
  reachTarget,
  unlinkTargets,
  type ReachedTarget,
} from './kept-targets.ts';
import { placeNear } from './place-near.ts';

/**
 * One directory for all runs of a volume's lane on this machine, on the mount of the project, so that a tool can make hard links
 * from it. The first run brings it up to date, the others join, and the last one to leave collects what all of them did; a run
 * that is killed leaves that to the next one.
 */
export function openLiveMounter({ dir: home, bootId, files = realFiles }: KeptMounterOptions): Mounter<DirectoryMount> {
  const paths = homePaths(home);
  const trash = (): Trash => openTrash(files, paths, ownerOf(home));
  const uses = new SlotUses(paths.kept);

  const contextOf = ({ isNeverSaved }: AttachRequest): KeptContext => ({
    files,
    trash,
    bootId,
    ignoresChangeTime: true,
    mayStay: isNeverSaved,
  });

  const attach = async (request: AttachRequest, signal: AbortSignal): Promise<AttachedVolume<DirectoryMount>> => {
    const { sessionId, ordinal, kept, target, reach, view } = request;
    checkReach(target, home, reach);
    const user = `${sessionId}.${ordinal}`;
    ensureHomeDir(files, paths.kept, ownerOf(home));
    const context = contextOf(request);
    const place = placeNear(paths.kept, request.near);
    notePlace(paths.kept, place);
    const key = kept === null ? onceKey(user) : slotsKey('live', kept);
    const slots = new KeptSlots(place, key);
    using _guard = await slots.guard(signal);
    const slot = slots.slot(0);
    slot.make();
    if (kept !== null) slots.note(kept);
    let held: HeldDirectory;
    const isInUse = slot.users().length > 0;
    if (isInUse) requireTree(slot);
    // Work that nobody saved is not undone: whoever comes next goes on from it.
    if (isInUse || hasUnsaved(slot)) held = takeUpSlot(slot);
    else held = await bringUpSlot(context, slot, view, signal);
    uses.add(slot, user);
    try {
      const reached = reachTarget({ files, home, target, reach, tree: slot.tree });
      return attachedVolume(request, { slots, held, reached, user });
    } catch (error) {
      uses.remove(slot, user);
      throw error;
    }
  };

  const attachedVolume = (request: AttachRequest, own: Held): AttachedVolume<DirectoryMount> => {
    const { slots, held, reached, user } = own;
    const { slot } = held;
    const { run } = request;
    /** Held from the moment that nobody else is there until what was found is saved, so that nobody joins meanwhile. */
    let guard: Disposable | null = null;
    let hasLeft = false;
    const collect = async (signal: AbortSignal, { inUse, wanted }: CollectHow): Promise<Collected> => {
      guard = await slots.guard(signal);
      if (wanted && existsSync(slot.tree)) addUnsaved(slot, run);
      // Whoever is left over goes on writing: it stays a user of the directory until it is found dead.
      if (!inUse) uses.remove(slot, user);
      hasLeft = true;
      requireTree(slot);
      const others = slot.users().length;
      const { runs } = slot.readUnsaved();
      if (others > 0 || runs.length === 0) {
        guard[Symbol.dispose]();
        guard = null;
        return others > 0 ? { kind: 'shared', others, isWanted: runs.length > 0 } : { kind: 'unwanted' };
      }
      // Whoever came first wrote the table; what is in the directory is everybody's since.
      const found = collectHeld(contextOf(request), { ...held, table: slot.readTable() }, signal);
      const saved = (): void => {
        found.close();
        slot.writeUnsaved({ runs: [] });
      };
      return { kind: 'changes', changes: found.changes, alsoOf: runs.filter((each) => each !== run), saved };
    };
    const release = (): void => {
      if (!hasLeft) uses.remove(slot, user);
      hasLeft = true;
      if (slot.users().length === 0) leaveTarget(files, home, reached);
      guard?.[Symbol.dispose]();
      guard = null;
      if (request.kept === null) discardKept({ files, trash }, slots.dir);
    };
    return {
      mount: { kind: 'directory', target: reached.path, path: slot.tree, bind: request.reach === 'bind' },
      madeDirs: reached.made,
      displacedBy: () => displacedBy(reached, slot.tree),
      collect: (signal, how) => inPort('collecting changes', signal, async () => await collect(signal, how)),
      release: (signal) => inPort('releasing a volume', signal, release),
    };
  };

  const discardSession = (id: SessionId): void => {
    for (const { slot, user } of uses.of(id)) uses.remove(slot, user);
  };

  return {
    name: 'live',
    missingDirs: (target, reach) => missingFor(target, home, reach),
    attach: (request, signal) => inPort('attaching a volume', signal, async () => await attach(request, signal)),
    removeTargets: (dirs) => {
      unlinkTargets(files, home, dirs);
    },
    listKept: (signal) => inPort('listing kept directories', signal, () => listKept(paths.kept, 'live')),
    removeKept: (directories, signal) =>
      inPort('removing kept directories', signal, async () => await removeKept({ files, trash }, directories, signal)),
    discardSession: (id, signal) => inPort('discarding a session', signal, () => discardSession(id)),
  };
}

interface Held {
  readonly slots: KeptSlots;
  readonly held: HeldDirectory;
  readonly reached: ReachedTarget;
  readonly user: string;
}

/** Work that went with its directory is nobody's any more. */
function hasUnsaved(slot: KeptSlot): boolean {
  if (!existsSync(slot.tree)) slot.writeUnsaved({ runs: [] });
  return slot.readUnsaved().runs.length > 0;
}

function addUnsaved(slot: KeptSlot, run: RunId): void {
  const { runs } = slot.readUnsaved();
  slot.writeUnsaved({ runs: [...new Set([...runs, run])] });
}
