import {
  digestOf,
  farFutureNs,
  isSameTime,
  type Change,
  type ChangeSet,
  type Entry,
  type PathRule,
  type RunId,
  type StagedEntry,
  type Version,
} from '@cachelane/core';
import { toVersion, type SourcedEntry } from '../views/versions.ts';

type KeepRule = Extract<PathRule, { kind: 'keep' }>;

interface FileInput {
  readonly changes: ChangeSet;
  readonly origins: readonly RunId[];
  readonly nowMs: number;
  readonly part: object | null;
}

/** Returns whether the tool removed something from the file. A merge would bring it back. */
export function takesAway({ driver }: KeepRule, pinned: Version, mine: Version): boolean {
  if (!driver.merges) return false;
  const united = driver.compose([mine, pinned]);
  if (united.kind === 'pick') return united.index !== 0;
  const { content } = united;
  return !driver.same(mine, {
    ...mine,
    digest: digestOf(content),
    sizeBytes: content.length,
    content: () => content,
  });
}

interface OwnFile extends SourcedEntry {
  readonly staged: StagedEntry;
}

/** Returns what to store of the run's file, or null. */
export function ownFile(input: FileInput, change: Extract<Change, { kind: 'file' }>, rule: KeepRule): OwnFile | null {
  const { changes, origins, nowMs } = input;
  const { path } = change;
  const entry: Entry = {
    path,
    type: 'file',
    mode: change.mode,
    mtimeNs: rule.mtime === 'far-future' ? farFutureNs : change.mtimeNs,
    sizeBytes: change.sizeBytes,
    digest: changes.digest(path),
    origins,
    mergeClass: rule.mergeClass,
    group: rule.group,
    form: 'whole',
    removed: null,
  };
  const source: SourcedEntry = { entry, sealedAtMs: nowMs, layer: null, content: () => changes.read(path) };
  const content = rule.driver.clean?.(toVersion(source)) ?? contentNow(input, rule, source);
  if (content === null) return { ...source, staged: { from: 'change', entry } };
  if (content.length === 0) return null;
  const cleaned: Entry = { ...entry, sizeBytes: content.length, digest: digestOf(content) };
  return { ...source, entry: cleaned, content: () => content, staged: { from: 'content', entry: cleaned, content } };
}

/** Reads a file once if other runs may write to it before it is stored. Content-addressed files do not change. */
function contentNow(
  { part }: FileInput,
  { mergeClass }: KeepRule,
  { entry, content }: SourcedEntry,
): Uint8Array | null {
  return part !== null && mergeClass !== 'U' && entry.sizeBytes > 0 ? content() : null;
}

/** Compares bytes and mode, and in class D also the time, since builds use it. Files of a view may have times that the engine set. */
export function isUnchanged(before: Entry, mine: Entry, rule: KeepRule): boolean {
  if (before.digest !== mine.digest || before.form !== 'whole') return false;
  if (rule.removals !== 'count') return true;
  return before.mode === mine.mode && (rule.group !== null || isSameTime(before.mtimeNs, mine.mtimeNs));
}
