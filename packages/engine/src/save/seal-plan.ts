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

/** The entries of a run's layer. */
export interface SealPlan {
  readonly entries: readonly StagedEntry[];
  readonly counts: LayerCounts;
  /** Of a part: the changes that the entries cover, or that need no entry. */
  readonly taken: ReadonlySet<BytePath>;
  /** Whether all storable changes are taken. */
  readonly isAll: boolean;
  /** Files of the view that the run wrote or touched: tools do that to files they use. */
  readonly touched: readonly BytePath[];
}

export interface SealInput {
  readonly changes: ChangeSet;
  readonly view: View;
  readonly tool: Tool;
  /** The run, and others that may have made the changes; sorted. */
  readonly origins: readonly RunId[];
  readonly nowMs: number;
  /** Whether other programs may have edited files through hard links. Files are then checked against their names or their earlier content. */
  readonly checksLinks: boolean;
  /** Set while other runs work in the directory. Groups, class D directories and files that do not match their names then wait for the last run. */
  readonly part: Pick<CollectedPart, 'isReadAsFound'> | null;
  /** The command failed: keep only files in known formats. */
  readonly onlyKnown: boolean;
  /** Called for each file left out by `onlyKnown`. */
  readonly onUnknown: (path: BytePath) => void;
  /** A prune: removals count in every class, also of lines and rows. */
  readonly prunes: boolean;
  /** Called for damaged files, which are left out. */
  readonly onDamage: (path: BytePath) => void;
  /** Called now and then with the number of changes done. */
  readonly onProgress: (done: number) => void;
}

type KeepRule = Extract<PathRule, { kind: 'keep' }>;

interface Draft {
  readonly input: SealInput;
  readonly byPath: Map<BytePath, StagedEntry>;
  /** Directories of the change set, to find parents of kept entries. */
  readonly directories: Map<BytePath, Extract<Change, { kind: 'dir' }>>;
  /** Directories that the run removed and made again. Nothing below shows through, so all their files are kept. */
  readonly remade: Set<BytePath>;
  /** Groups with a member that the run changed, made or removed. */
  readonly dirtyGroups: Set<string>;
  readonly counts: { added: number; changed: number; removed: number; sizeBytes: number };
  readonly taken: Set<BytePath>;
  readonly touched: BytePath[];
  isAll: boolean;
}

const progressEvery = 256;

/** Decides which changes are stored, and what of them is the run's own. Only reads contents through the change set and the view. No entries: no layer. */
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

/** Returns whether a file does not match the digest in its name, or changed although its class never changes. */
function isDamaged({ checksLinks, tool, changes, view }: SealInput, change: Change, rule: KeepRule): boolean {
  if (!checksLinks || change.kind !== 'file') return false;
  const named = tool.contentDigest?.(change.path);
  if (named === undefined) {
    const before = rule.mergeClass === 'U' ? view.lookUp(change.path)?.entry : undefined;
    return before?.type === 'file' && before.digest !== changes.digest(change.path);
  }
  return hash(named.algorithm, changes.read(change.path), 'hex') !== named.hex;
}

/** Reads from the run's files first, then from the view. */
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

/** An unstored path replaced a stored one. In classes D and G the old file must not come back. */
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

/** `groupBelow`: the group a directory was part of. The removal may be the only trace that the group is empty. */
function removeCounted(draft: Draft, before: SourcedEntry, groupBelow: string | null = null): void {
  const { path } = before.entry;
  const group = before.entry.group ?? groupBelow;
  if (group !== null) draft.dirtyGroups.add(group);
  draft.counts.removed += countGoneWith(draft, before.entry);
  const entry = { ...removalEntry(before.entry, draft.input.origins, 'counted'), group };
  draft.byPath.set(path, { from: 'removal', entry });
}

/** Counts files and symlinks removed with the entry. */
function countGoneWith({ input }: Draft, before: Entry): number {
  if (before.type !== 'dir') return 1;
  let count = 0;
  for (const { entry } of input.view.below(before.path)) if (entry.type !== 'dir') count++;
  return count;
}

function removalEntry(before: Entry, origins: readonly RunId[], removed: 'counted' | 'hint'): Entry {
  return { ...before, sizeBytes: 0, digest: null, origins, form: 'whole', removed };
}

/** Directories are stored for themselves in class D only. */
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

/** Counts files of the view below a remade directory that were not made again. */
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
    // A list that is read later may name content that was not yet there.
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
  // A rewritten file may contain earlier content, so earlier origins stay.
  const inherits = rule.mergeClass !== 'U' && rule.mergeClass !== 'L';
  const entry = inherits ? { ...mine, origins: unitedOrigins([mine, beforeFile.entry]) } : mine;
  keep(draft, { ...source.staged, entry }, beforeFile.entry, rule);
}

/** `before`: the earlier entry. A change of type counts as an addition and removals. */
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

/** An index lists every parent directory. */
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
