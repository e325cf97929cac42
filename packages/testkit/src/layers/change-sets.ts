import {
  digestOf,
  invariant,
  type BytePath,
  type Change,
  type ChangeSet,
  type Digest,
  type Entry,
  type RunId,
  type StagedEntry,
} from '@cachelane/core';
import { runIdOf } from '../arbitraries/layers.ts';

/** A change with its content, as tests write it. */
export type ChangeItem =
  | { readonly kind: 'file'; readonly path: string; readonly content: string | Uint8Array; readonly mode?: number }
  | { readonly kind: 'dir'; readonly path: string; readonly mode?: number; readonly replaces?: boolean }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | { readonly kind: 'removed'; readonly path: string }
  | { readonly kind: 'special'; readonly path: string; readonly what: 'socket' | 'fifo' | 'device' };

/** The default time of test data, with nanoseconds that rounding would change. */
export const sampleTimeNs = 1_700_000_000_123_456_789n;

export function toBytes(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : content;
}

/** Changes in memory; items come parents first. */
export function memoryChangeSet(items: readonly ChangeItem[]): ChangeSet {
  const contents = new Map<BytePath, Uint8Array>();
  const changes = items.map((item): Change => {
    const path = item.path as BytePath;
    switch (item.kind) {
      case 'file': {
        const content = toBytes(item.content);
        contents.set(path, content);
        return { kind: 'file', path, mode: item.mode ?? 0o644, mtimeNs: sampleTimeNs, sizeBytes: content.length };
      }
      case 'dir':
        return { kind: 'dir', path, mode: item.mode ?? 0o755, mtimeNs: sampleTimeNs, replaces: item.replaces ?? false };
      case 'symlink':
        return { kind: 'symlink', path, mtimeNs: sampleTimeNs, target: Buffer.from(item.target, 'latin1') };
      case 'removed':
        return { kind: 'removed', path };
      case 'special':
        return { kind: 'special', path, what: item.what };
    }
  });
  return changeSetOf(changes, (path) => contents.get(path));
}

/** A change set without a directory; `contentOf` returns its contents. */
export function changeSetOf(
  changes: readonly Change[],
  contentOf: (path: BytePath) => Uint8Array | undefined,
): ChangeSet {
  const byPath = new Map(changes.map((change) => [change.path, change]));
  const read = (path: BytePath): Uint8Array => {
    const content = contentOf(path);
    invariant(content !== undefined, `no changed file at ${path}`);
    return content;
  };
  return {
    changes,
    find: (path) => byPath.get(path),
    read,
    readHead: (path, count) => read(path).subarray(0, count),
    digest: (path) => digestOf(read(path)),
    dir: null,
    movable: false,
  };
}

export interface EntryOptions {
  readonly run?: RunId;
  readonly overrides?: Partial<Entry>;
}

/** Returns the exact entry of a change. Removals count; `special` has no entry. */
export function entryFor(
  changes: ChangeSet,
  change: Change,
  { run = runIdOf(1), overrides }: EntryOptions = {},
): Entry {
  invariant(change.kind !== 'special', 'no entry describes a special file');
  const base = {
    path: change.path,
    origins: [run],
    mergeClass: 'D',
    group: null,
    form: 'whole',
    removed: null,
  } as const;
  const nothing = { sizeBytes: 0, digest: null } as const;
  switch (change.kind) {
    case 'file': {
      const { mode, mtimeNs, sizeBytes } = change;
      return { ...base, type: 'file', mode, mtimeNs, sizeBytes, digest: changes.digest(change.path), ...overrides };
    }
    case 'dir': {
      const { mode, mtimeNs, replaces } = change;
      return { ...base, type: 'dir', mode, mtimeNs, ...nothing, removed: replaces ? 'below' : null, ...overrides };
    }
    case 'symlink': {
      const content = { sizeBytes: change.target.length, digest: digestOf(change.target) };
      return { ...base, type: 'symlink', mode: 0o777, mtimeNs: change.mtimeNs, ...content, ...overrides };
    }
    case 'removed':
      return { ...base, type: 'file', mode: 0o644, mtimeNs: 0n, ...nothing, removed: 'counted', ...overrides };
  }
}

/** Stages all changes, like a tool without rules. */
export function stageAll(changes: ChangeSet, options: EntryOptions = {}): readonly StagedEntry[] {
  return changes.changes
    .filter((change) => change.kind !== 'special')
    .map((change) => ({
      from: change.kind === 'removed' ? 'removal' : 'change',
      entry: entryFor(changes, change, options),
    }));
}

/** A file that a driver made. */
export function contentEntry(path: string, content: string | Uint8Array, overrides: Partial<Entry> = {}): StagedEntry {
  const bytes = toBytes(content);
  const entry: Entry = {
    path: path as BytePath,
    type: 'file',
    mode: 0o644,
    mtimeNs: sampleTimeNs,
    sizeBytes: bytes.length,
    digest: digestOf(bytes),
    origins: [runIdOf(1)],
    mergeClass: 'A',
    group: null,
    form: 'whole',
    removed: null,
    ...overrides,
  };
  return { from: 'content', entry, content: bytes };
}

/** A directory that the store makes. */
export function madeEntry(path: string, overrides: Partial<Entry> = {}): StagedEntry {
  const { entry } = contentEntry(path, '');
  return { from: 'made', entry: { ...entry, type: 'dir', mode: 0o755, sizeBytes: 0, digest: null, ...overrides } };
}

export function removalEntry(path: string, removed: 'counted' | 'hint'): StagedEntry {
  const { entry } = contentEntry(path, '');
  return { from: 'removal', entry: { ...entry, sizeBytes: 0, digest: null as Digest | null, removed } };
}
