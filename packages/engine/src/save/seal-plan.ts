import { hash } from 'node:crypto';
import {
  ancestors,
  digestOf,
  isBelow,
  limits,
  type BytePath,
  type Change,
  type ChangeSet,
  type ClassifyContext,
  type CollectedPart,
  type Entry,
  type LayerCounts,
  type PathRule,
  type RunId,
  type StagedEntry,
  type Tool,
} from '@cachelane/core';
import { toVersion, unitedOrigins, type SourcedEntry } from '../views/versions.ts';
import type { View } from '../views/view.ts';
import { completeGroups } from './groups.ts';
import { isUnchanged, ownFile, takesAway } from './own-file.ts';

/** What a run's changes come to: the entries of its layer, or nothing. */
export interface SealPlan {
  readonly entries: readonly StagedEntry[];
  readonly counts: LayerCounts;
  /** Of a part: the changes that the entries stand for, or that mean nothing. */
  readonly taken: ReadonlySet<BytePath>;
  /** Whether that is all of them that may be stored. */
  readonly isAll: boolean;
  /** Files that the view had, and that the run wrote or touched, whatever came of it: tools do that with what they use. */
  readonly touched: readonly BytePath[];
}

export interface SealInput {
  readonly changes: ChangeSet;
  readonly view: View;
  readonly tool: Tool;
  /** The run, and those that may have made the changes with it; sorted. */
  readonly origins: readonly RunId[];
  readonly nowMs: number;
  /**
   * Others may have edited files through hard links: a file is held against the digest in its name, and one that never changes against
   * what was there.
   */
  readonly checksLinks: boolean;
  /**
   * Others are still at work where the changes were found: what only makes sense whole (groups, directories that are taken exactly as
   * they are) waits for the last of them, and so does what is not what its name says, which may be half written. Null: nobody is.
   */
  readonly part: Pick<CollectedPart, 'isReadAsFound'> | null;
  /** The command failed, and nobody asked for what may be half of something. */
  readonly onlyKnown: boolean;
  /** Told of what is left out for that reason. */
  readonly onUnknown: (path: BytePath) => void;
  /** The tool freed space: what it removed counts, whatever its class, and so do lines and rows that it took out of a file. */
  readonly prunes: boolean;
  /** Told of files that are not what their names say; they are left out. */
  readonly onDamage: (path: BytePath) => void;
  /** Called every so often with the number of changes looked at. */
  readonly onProgress: (done: number) => void;
}

type KeepRule = Extract<PathRule, { kind: 'keep' }>;

/** The plan while it grows. */
interface Draft {
  readonly input: SealInput;
  readonly byPath: Map<BytePath, StagedEntry>;
  /** Directories of the change set, for the parents of what is kept. */
  readonly directories: Map<BytePath, Extract<Change, { kind: 'dir' }>>;
  /** Directories that the run removed and made anew: nothing that was below them shows any more, so all that is there now is kept. */
  readonly remade: Set<BytePath>;
  /** Groups of which the run changed, made or removed a member. */
  readonly dirtyGroups: Set<string>;
  readonly counts: { added: number; changed: number; removed: number; sizeBytes: number };
  readonly taken: Set<BytePath>;
  readonly touched: BytePath[];
  isAll: boolean;
}

const progressEvery = 256;

/**
 * Decides for each change whether it means anything to the tool, and what of it is this run's own. Pure but for reading
 * contents through the change set and the view. An empty list of entries: no layer.
 */
export function planSeal(input: SealInput): SealPlan {
  const draft: Draft = {
    input,
    byPath: new Map(),
    directories: new Map(),
    remade: new Set(),
    dirtyGroups: new Set(),
    counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 },
    taken: new Set(),
    touched: [],
    isAll: true,
  };
  const hints: StagedEntry[] = [];
  let neverBelow: BytePath | null = null;
  let seen = 0;
  for (const change of input.changes.changes) {
    if (++seen % progressEvery === 0) input.onProgress(seen);
    if (neverBelow !== null && isBelow(change.path, neverBelow)) continue;
    const rule = classify(draft, change);
    if (rule.kind === 'never') {
      if (change.kind === 'dir') neverBelow = change.path;
      supersede(draft, change.path);
      continue;
    }
    const isDamage = isDamaged(input, change, rule);
    if (input.part !== null && (isDamage || !isWholeByItself(draft, change, rule))) {
      draft.isAll = false;
      continue;
    }
    if (input.onlyKnown && rule.commitWhen === 'success') {
      if (change.kind === 'dir') draft.directories.set(change.path, change);
      else input.onUnknown(change.path);
      continue;
    }
    if (isDamage) {
      input.onDamage(change.path);
      continue;
    }
    if (input.part !== null) draft.taken.add(change.path);
    take(draft, change, rule, hints);
  }
  completeGroups(draft.dirtyGroups, input, draft.byPath);
  const { counts, taken, touched, isAll } = draft;
  if (draft.byPath.size === 0) return { entries: [], counts, taken, touched, isAll };
  const entries = [...draft.byPath.values(), ...parentsOfKept(draft), ...hints];
  for (const { entry } of entries) counts.sizeBytes += entry.sizeBytes;
  return { entries, counts, taken, touched, isAll };
}

function isWholeByItself({ input }: Draft, change: Change, rule: KeepRule): boolean {
  if (rule.removals === 'count' || rule.group !== null) return false;
  if (change.kind === 'file' && rule.mergeClass !== 'U' && change.sizeBytes > limits.mergedFileBytes) return false;
  const before = input.view.lookUp(change.path)?.entry;
  return before === undefined || before.mergeClass === rule.mergeClass;
}

function classify({ input }: Draft, change: Change): PathRule {
  const isDirectory =
    change.kind === 'dir' || (change.kind === 'removed' && input.view.lookUp(change.path)?.entry.type === 'dir');
  return input.tool.classify(change.path, isDirectory, peekInto(input, change));
}

/** A file that is named by its digest and holds something else, or that was there and never changes. */
function isDamaged({ checksLinks, tool, changes, view }: SealInput, change: Change, rule: KeepRule): boolean {
  if (!checksLinks || change.kind !== 'file') return false;
  const named = tool.contentDigest?.(change.path);
  if (named === undefined) {
    const before = rule.mergeClass === 'U' ? view.lookUp(change.path)?.entry : undefined;
    return before?.type === 'file' && before.digest !== changes.digest(change.path);
  }
  return hash(named.algorithm, changes.read(change.path), 'hex') !== named.hex;
}

/** Looks at the merged view: the run's own file first, then what was there before. */
function peekInto({ changes, view }: SealInput, current: Change): ClassifyContext {
  return {
    peek(path, count) {
      const change = path === current.path ? current : changes.find(path);
      if (change !== undefined) return change.kind === 'file' ? changes.readHead(path, count) : undefined;
      const before = view.lookUp(path);
      return before?.entry.type === 'file' && before.layer !== null ? before.layer.readHead(path, count) : undefined;
    },
  };
}

function take(draft: Draft, change: Change, rule: KeepRule, hints: StagedEntry[]): void {
  switch (change.kind) {
    case 'special':
      return supersede(draft, change.path);
    case 'removed':
      return takeRemoval(draft, change.path, rule, hints);
    case 'dir':
      return takeDirectory(draft, change, rule);
    case 'symlink':
      return takeSymlink(draft, change, rule);
    case 'file':
      return takeFile(draft, change, rule);
  }
}

/**
 * Something that is never stored took the place of something that was: where a directory is taken exactly as it is, the old
 * thing must not come back.
 */
function supersede(draft: Draft, path: BytePath): void {
  if (draft.input.part !== null) return;
  const before = draft.input.view.lookUp(path);
  if (before?.entry.mergeClass === 'D' || before?.entry.mergeClass === 'G') removeCounted(draft, before);
}

function takeRemoval(draft: Draft, path: BytePath, rule: KeepRule, hints: StagedEntry[]): void {
  const before = draft.input.view.lookUp(path);
  if (before === undefined) return;
  if (rule.group !== null) draft.dirtyGroups.add(rule.group);
  if (rule.removals === 'count' || draft.input.prunes) removeCounted(draft, before, rule.group);
  else hints.push({ from: 'removal', entry: removalEntry(before.entry, draft.input.origins, 'hint') });
}

/**
 * `groupBelow`: what a directory was a part of. Its removal may be all that a run leaves of the group, and says then that
 * the group is empty, whatever others add to it elsewhere.
 */
function removeCounted(draft: Draft, before: SourcedEntry, groupBelow: string | null = null): void {
  const { path } = before.entry;
  const group = before.entry.group ?? groupBelow;
  if (group !== null) draft.dirtyGroups.add(group);
  draft.counts.removed += countGoneWith(draft, before.entry);
  const entry = { ...removalEntry(before.entry, draft.input.origins, 'counted'), group };
  draft.byPath.set(path, { from: 'removal', entry });
}

/** Files and symlinks that go with what stood at a path. */
function countGoneWith({ input }: Draft, before: Entry): number {
  if (before.type !== 'dir') return 1;
  let count = 0;
  for (const { entry } of input.view.below(before.path)) if (entry.type !== 'dir') count++;
  return count;
}

function removalEntry(before: Entry, origins: readonly RunId[], removed: 'counted' | 'hint'): Entry {
  return { ...before, sizeBytes: 0, digest: null, origins, form: 'whole', removed };
}

/** Directories by themselves mean something only where the tool's rule takes a directory exactly as it is. */
function takeDirectory(draft: Draft, change: Extract<Change, { kind: 'dir' }>, rule: KeepRule): void {
  draft.directories.set(change.path, change);
  const before = draft.input.view.lookUp(change.path);
  const isRemade = draft.input.prunes && change.replaces && before?.entry.type === 'dir';
  if (rule.removals !== 'count' && !isRemade) return;
  const entry = directoryEntry(draft, change, rule);
  if (before?.entry.type !== 'dir') {
    keep(draft, { from: 'change', entry }, before?.entry, rule);
  } else if (isBelowRemade(draft, change.path)) {
    draft.byPath.set(change.path, { from: 'change', entry });
  } else if (change.replaces) {
    draft.remade.add(change.path);
    draft.counts.removed += countGone(draft, change.path);
    if (rule.group !== null) draft.dirtyGroups.add(rule.group);
    draft.byPath.set(change.path, { from: 'change', entry: { ...entry, removed: 'below' } });
  } else if (before.entry.mode !== entry.mode) {
    if (rule.group !== null) draft.dirtyGroups.add(rule.group);
    draft.counts.changed++;
    draft.byPath.set(change.path, { from: 'change', entry });
  }
}

function isBelowRemade({ remade }: Draft, path: BytePath): boolean {
  if (remade.size === 0) return false;
  for (const ancestor of ancestors(path)) if (remade.has(ancestor)) return true;
  return false;
}

/** Files of the view below a remade directory that the run did not make again. */
function countGone({ input }: Draft, directory: BytePath): number {
  let count = 0;
  for (const { entry } of input.view.below(directory)) {
    if (entry.type !== 'dir' && input.changes.find(entry.path) === undefined) count++;
  }
  return count;
}

function directoryEntry({ input }: Draft, change: Extract<Change, { kind: 'dir' }>, rule: KeepRule): Entry {
  return {
    path: change.path,
    type: 'dir',
    mode: change.mode,
    mtimeNs: change.mtimeNs,
    sizeBytes: 0,
    digest: null,
    origins: input.origins,
    mergeClass: rule.mergeClass,
    group: rule.group,
    form: 'whole',
    removed: null,
  };
}

function takeSymlink(draft: Draft, change: Extract<Change, { kind: 'symlink' }>, rule: KeepRule): void {
  const before = draft.input.view.lookUp(change.path)?.entry;
  const digest = digestOf(change.target);
  const isSame = before?.type === 'symlink' && before.digest === digest;
  if (isSame && !isBelowRemade(draft, change.path)) return;
  const entry: Entry = {
    path: change.path,
    type: 'symlink',
    mode: 0o777,
    mtimeNs: change.mtimeNs,
    sizeBytes: change.target.length,
    digest,
    origins: draft.input.origins,
    mergeClass: rule.mergeClass,
    group: rule.group,
    form: 'whole',
    removed: null,
  };
  if (isSame) draft.byPath.set(change.path, { from: 'change', entry });
  else keep(draft, { from: 'change', entry }, before, rule);
}

function takeFile(draft: Draft, change: Extract<Change, { kind: 'file' }>, rule: KeepRule): void {
  const before = draft.input.view.lookUp(change.path);
  const beforeFile = before?.entry.type === 'file' ? before : undefined;
  const source = ownFile(draft.input, change, rule);
  if (source === null) return;
  if (source.staged.from === 'content' && draft.input.part?.isReadAsFound(change.path) === false) {
    // Read a moment later, a list may name content that was not there when the files were looked for.
    draft.taken.delete(change.path);
    draft.isAll = false;
    return;
  }
  const mine = source.entry;
  if (beforeFile !== undefined) draft.touched.push(change.path);
  if (beforeFile === undefined) return keep(draft, source.staged, before?.entry, rule);
  if (isBelowRemade(draft, change.path)) {
    if (isUnchanged(beforeFile.entry, mine, rule)) draft.byPath.set(change.path, source.staged);
    else keep(draft, source.staged, beforeFile.entry, rule);
    return;
  }
  if (isUnchanged(beforeFile.entry, mine, rule)) return;
  const pinned = toVersion(beforeFile);
  if (draft.input.prunes && takesAway(rule, pinned, toVersion(source))) {
    const entry: Entry = { ...mine, origins: unitedOrigins([mine, beforeFile.entry]), removed: 'below' };
    return keep(draft, { ...source.staged, entry }, beforeFile.entry, rule);
  }
  if (rule.removals !== 'count' && rule.driver.same(pinned, toVersion(source))) return;
  const own = rule.driver.merges ? rule.driver.subtract(pinned, toVersion(source)) : { form: 'whole' as const };
  if (own.form === 'delta') {
    const entry: Entry = { ...mine, form: 'delta', sizeBytes: own.content.length, digest: digestOf(own.content) };
    return keep(draft, { from: 'content', entry, content: own.content }, beforeFile.entry, rule);
  }
  // What is rewritten whole may carry on what was there before: whoever put that there has a share in this version too.
  const inherits = rule.mergeClass !== 'U' && rule.mergeClass !== 'L';
  const entry = inherits ? { ...mine, origins: unitedOrigins([mine, beforeFile.entry]) } : mine;
  keep(draft, { ...source.staged, entry }, beforeFile.entry, rule);
}

/** `before`: what stood at the path. Another type of thing in its place is one added and what it took with it removed. */
function keep(draft: Draft, staged: StagedEntry, before: Entry | undefined, rule: KeepRule): void {
  for (const group of [rule.group, before?.group ?? null]) if (group !== null) draft.dirtyGroups.add(group);
  draft.byPath.set(staged.entry.path, staged);
  if (before?.type === staged.entry.type) {
    draft.counts.changed++;
    return;
  }
  draft.counts.added++;
  if (before !== undefined) draft.counts.removed += countGoneWith(draft, before);
}

/** An index lists every directory of its tree. */
function parentsOfKept(draft: Draft): readonly StagedEntry[] {
  const parents = new Map<BytePath, StagedEntry>();
  for (const [path, staged] of draft.byPath) {
    if (staged.entry.removed === 'hint') continue;
    for (const parent of ancestors(path)) {
      if (parents.has(parent) || draft.byPath.has(parent)) break;
      parents.set(parent, parentEntry(draft, parent));
    }
  }
  return [...parents.values()];
}

function parentEntry(draft: Draft, path: BytePath): StagedEntry {
  const change = draft.directories.get(path);
  const before = draft.input.view.lookUp(path)?.entry;
  const rule = draft.input.tool.classify(path, true, { peek: () => undefined });
  const mergeClass = rule.kind === 'keep' ? rule.mergeClass : 'D';
  const shape = {
    path,
    type: 'dir',
    sizeBytes: 0,
    digest: null,
    origins: draft.input.origins,
    mergeClass,
    group: null,
    form: 'whole',
    removed: null,
  } as const;
  if (change !== undefined) return { from: 'change', entry: { ...shape, mode: change.mode, mtimeNs: change.mtimeNs } };
  return { from: 'made', entry: { ...shape, mode: before?.mode ?? 0o755, mtimeNs: before?.mtimeNs ?? 0n } };
}
