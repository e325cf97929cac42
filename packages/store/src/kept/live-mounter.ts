import {
  limits,
  type AttachedVolume,
  type AttachRequest,
  type CollectedChanges,
  type CollectHow,
  type Collected,
  type DirectoryMount,
  type Mounter,
  type PinnedLink,
  type RunId,
  type SavedPart,
  type SessionId,
} from '@cachelane/core';
import { ensureHomeDir, homePaths, ownerOf } from '../files/home-paths.ts';
import { realFiles } from '../files/store-files.ts';
import { openTrash, type Trash } from '../files/trash.ts';
import { inPort, type KeptMounterOptions } from './clone-mounter.ts';
import { readsSinceOf } from '../slots/reads-since.ts';
import { collectPart } from './collect-part.ts';
import { byThreads } from '../filling/file-makers.ts';
import {
  bringUpSlot,
  collectHeld,
  isOfContents,
  takeUpSlot,
  type HeldChanges,
  type HeldDirectory,
  type KeptContext,
} from './kept-directory.ts';
import { takeBackLinks } from '../links/kept-links.ts';
import { leaveDead } from './leave-dead.ts';
import { discardKept, listKept, listUsed, removeKept } from './kept-garbage.ts';
import { notePlace } from '../links/kept-places.ts';
import { hasTree, requireTree } from '../slots/kept-tree.ts';
import { KeptSlots, onceKey, slotsKey, SlotUses } from '../slots/kept-slots.ts';
import {
  checkReach,
  displacedBy,
  missingFor,
  reachTarget,
  rootModeFor,
  unlinkTargets,
  type ReachedTarget,
} from './kept-targets.ts';
import { placeNear } from '../links/place-near.ts';

const neverAborted = new AbortController().signal;

/**
 * Opens the mounter with one directory for all runs of a volume's lane, on the project's mount, so that tools can
 * hard-link from it. The first run updates it, others join, and the last one to end collects all changes. If that
 * run is killed, the next run collects them; unwanted changes are undone then. While runs overlap continuously,
 * each run that ends may collect the finished work.
 */
export function openLiveMounter({
  dir: home,
  bootId,
  files = realFiles,
  sharedSaveMs = limits.sharedSaveMs,
  fill = byThreads,
}: KeptMounterOptions): Mounter<DirectoryMount> {
  const paths = homePaths(home);
  const trash = (): Trash => openTrash(files, paths, ownerOf(home));
  const uses = new SlotUses(paths.kept, { files, bootId });

  const contextOf = ({ target, isNeverSaved }: AttachRequest): KeptContext => ({
    files,
    trash,
    ignoresChangeTime: true,
    rootMode: rootModeFor(target, home),
    mayStay: isNeverSaved,
    farFutureAsNs: null,
    fill,
  });

  const attach = async (request: AttachRequest, signal: AbortSignal): Promise<AttachedVolume<DirectoryMount>> => {
    const { sessionId, ordinal, kept, target, reach, view } = request;
    checkReach(target, home, reach);
    const user = `${sessionId}.${ordinal}`;
    ensureHomeDir(files, paths.kept, ownerOf(home));
    const context = contextOf(request);
    const place = placeNear(home, request.near);
    notePlace(paths.kept, place);
    const key = kept === null ? onceKey(user) : slotsKey('live', kept);
    const slots = new KeptSlots(place, key, { files, bootId });
    using _guard = await slots.guard(signal);
    if (kept !== null) slots.note(kept);
    const slot = slots.slot(0);
    slot.make();
    let held: HeldDirectory;
    const isInUse = slot.users().length > 0;
    if (isInUse) requireTree(slot);
    // Unsaved work is not undone: the next run continues from it.
    let { links } = request;
    const unsaved = slot.readUnsaved();
    // If the directory is gone, its work is gone too.
    if (isInUse || (unsaved.isWanted && hasTree(slot))) {
      held = takeUpSlot(slot);
      links = slot.readBase()?.links ?? links;
      slot.writeUnsaved({ ...unsaved, runs: [...new Set([...unsaved.runs, request.run])] });
    } else {
      held = await bringUpSlot(context, slot, view, signal);
      slot.writeBase({ links, sinceMs: slot.clockMs() });
      slot.writeUnsaved({ runs: [request.run], isWanted: false });
    }
    uses.add(slot, user, request.run);
    try {
      const reached = await reachTarget({ files, home, request, tree: slot.tree });
      return attachedVolume(request, { slots, held, reached, user, links });
    } catch (error) {
      uses.remove(slot, user);
      throw error;
    }
  };

  const attachedVolume = (request: AttachRequest, own: Held): AttachedVolume<DirectoryMount> => {
    const { slots, held, reached, user, links } = own;
    const { slot } = held;
    const { run } = request;
    const readsSince = readsSinceOf(files, request, slot);
    /** Held from collecting until saving, so that no run joins or leaves in between. */
    let guard: Disposable | null = null;
    let hasLeft = false;
    let discardPart: (() => void) | null = null;

    const collectOrGiveUp = (signal: AbortSignal): HeldChanges => {
      try {
        return collectHeld(contextOf(request), { ...takeUpSlot(slot), readsSince }, signal);
      } catch (error) {
        // The next run could not read it either, and would never save anything again.
        if (isOfContents(error)) slot.writeUnsaved({ runs: [], isWanted: false });
        throw error;
      }
    };

    const collectAll = (runs: readonly RunId[], signal: AbortSignal): CollectedChanges => {
      // The first run wrote the table. Changes since then are everyone's.
      const found = collectOrGiveUp(signal);
      const saved = (): void => {
        found.close({ isFinal: true });
        slot.writeUnsaved({ runs: [], isWanted: false });
      };
      const base = slot.readBase()?.links ?? links;
      const { changes, used } = found;
      const alsoOf = runs.filter((each) => each !== run);
      return { kind: 'changes', changes, used, links: base, alsoOf, part: null, saved };
    };

    /** Returns null if it is too soon, or if finished work cannot be determined. */
    const collectFinished = (runs: readonly RunId[], others: number, signal: AbortSignal): CollectedChanges | null => {
      const base = slot.readBase();
      const nowMs = slot.clockMs();
      if (base === null || (others > 0 && nowMs - base.sinceMs < sharedSaveMs)) return null;
      // Record the time even without a result: the next runs to end need not retry.
      slot.writeBase({ ...base, sinceMs: nowMs });
      const found = collectPart(contextOf(request), slot, signal);
      if (found === null) return null;
      discardPart = () => found.discard();
      const saved = (part: SavedPart = { links: base.links, taken: new Set(), isAll: false }): void => {
        slot.writeBase({ links: part.links, sinceMs: nowMs });
        if (found.close(part)) slot.writeUnsaved({ runs: slot.runs(), isWanted: false });
      };
      return {
        kind: 'changes',
        changes: found.changes,
        links: base.links,
        alsoOf: runs.filter((each) => each !== run),
        used: null,
        part: {
          others,
          isAsFound: (path) => found.isAsFound(path),
          isReadAsFound: (path) => found.isReadAsFound(path),
        },
        saved,
      };
    };

    const collect = async (signal: AbortSignal, { inUse, wanted }: CollectHow): Promise<Collected> => {
      guard = await slots.guard(signal);
      const unsaved = slot.readUnsaved();
      if (wanted && !unsaved.isWanted && hasTree(slot)) slot.writeUnsaved({ ...unsaved, isWanted: true });
      // If processes remain, the session keeps using the directory until it is found dead.
      if (!inUse) uses.remove(slot, user);
      hasLeft = true;
      requireTree(slot);
      const users = slot.users();
      const others = users.filter((each) => each !== user).length;
      const isWanted = wanted || unsaved.isWanted;
      if (isWanted && users.length === 0) return collectAll(unsaved.runs, signal);
      const finished = wanted ? collectFinished(unsaved.runs, others, signal) : null;
      if (finished !== null) return finished;
      guard[Symbol.dispose]();
      guard = null;
      return users.length > 0 ? { kind: 'shared', others, isWanted } : { kind: 'unwanted' };
    };
    const release = async (): Promise<void> => {
      // No run may start to use the target while it is removed.
      guard ??= await slots.guard(neverAborted);
      try {
        if (!hasLeft) uses.remove(slot, user);
        hasLeft = true;
        discardPart?.();
        if (slot.users().length === 0) takeBackLinks(files, slot.tree);
      } finally {
        guard[Symbol.dispose]();
        guard = null;
      }
      if (request.kept === null) discardKept({ files, trash }, slots.dir);
    };
    return {
      mount: { kind: 'directory', target: reached.path, path: slot.tree, bind: request.reach === 'bind' },
      links,
      madeDirs: reached.made,
      // Processes of earlier runs work in the same directory anyway.
      passedOver: [],
      displacedBy: () => displacedBy(reached, slot.tree),
      collect: (signal, how) => inPort('collecting changes', signal, async () => await collect(signal, how)),
      release: (signal) => inPort('releasing a volume', signal, async () => await release()),
    };
  };

  const discardSession = async (id: SessionId, signal: AbortSignal): Promise<void> => {
    for (const { slot, user } of uses.of(id)) await leaveDead({ files, bootId, uses, slot, user }, signal);
  };

  return {
    name: 'live',
    missingDirs: (target, reach) => missingFor(target, home, reach),
    attach: (request, signal) => inPort('attaching a volume', signal, async () => await attach(request, signal)),
    removeTargets: (dirs) => {
      unlinkTargets(files, home, dirs);
    },
    listKept: (signal) =>
      inPort('listing kept directories', signal, () => listKept(paths.kept, 'live', { files, bootId })),
    listUsed: (signal) => inPort('listing kept directories', signal, () => listUsed(uses, 'live', { files, bootId })),
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

interface Held {
  readonly slots: KeptSlots;
  readonly held: HeldDirectory;
  readonly reached: ReachedTarget;
  readonly user: string;
  readonly links: readonly PinnedLink[];
}
