import { lstatSync, rmSync, type BigIntStats } from 'node:fs';
import { limits, type BytePath, type Change, type ChangeSet, type SavedPart } from '@cachelane/core';
import { filePath } from '../files/file-path.ts';
import { OpenAccess } from '../files/open-access.ts';
import { digestFile, readFirst, readWhole } from '../files/read-file.ts';
import { toChangeSet } from '../layers/change-set.ts';
import { copyDatabases, isDatabase } from './database-copies.ts';
import { lookAround, noteDigests, takeUpSlot, withDigests, type KeptContext } from './kept-directory.ts';
import type { KeptSlot } from '../slots/kept-slots.ts';
import { unknownTime, type KeptRecord } from '../slots/kept-table.ts';
import { fileKey, filesOpenForWriting } from './open-files.ts';

/** The finished part of the work in a directory that other runs still use. */
export interface HeldPart {
  readonly changes: ChangeSet;
  isAsFound(path: BytePath): boolean;
  isReadAsFound(path: BytePath): boolean;
  /** Records the saved work, so that it is not saved again. Returns whether no unsaved work is left. */
  close(part: Pick<SavedPart, 'taken' | 'isAll'>): boolean;
  discard(): void;
}

/**
 * Collects finished work. Copies databases first: files that a database names exist before its copy. Other files
 * count only if no process has them open for writing and none wrote to them recently. Returns null if open files
 * cannot be determined.
 */
export function collectPart(context: KeptContext, slot: KeptSlot, signal: AbortSignal): HeldPart | null {
  const { files, mayStay } = context;
  const access = new OpenAccess(slot.tree, files);
  const { table } = takeUpSlot(slot);
  const dir = `${slot.dir}/copies`;
  try {
    const before = lookAround(context, slot, { table, readsSince: null }, signal);
    const copies = copyDatabases(access, before.changes, { files, dir, isNeverSaved: mayStay ?? (() => false) });
    const nowMs = slot.clockMs();
    const { changes: all, records } = lookAround(context, slot, { table, readsSince: null }, signal);
    const open = filesOpenForWriting();
    if (open === null) return null;
    const isFinished = (change: Change): boolean => {
      if (change.kind !== 'file' || copies.has(change.path)) return true;
      const stat = statOf(slot.tree, change.path);
      if (stat === undefined || !isStill(change, stat) || open.has(fileKey(plainStat(stat)))) return false;
      const writtenMs = Number(stat.mtimeMs > stat.birthtimeMs ? stat.mtimeMs : stat.birthtimeMs);
      return writtenMs + limits.finishedAfterMs <= nowMs && !isDatabase(access, change);
    };
    const finished = all.filter(isFinished);
    const byPath = new Map(finished.map((change) => [change.path, change]));
    const plain = toChangeSet({ upper: slot.tree, files, movable: false }, finished);
    const { changes, digests } = noteDigests(readCopies(plain, copies));
    const isAsFound = (path: BytePath): boolean => {
      const change = byPath.get(path);
      const stat = statOf(slot.tree, path);
      return change?.kind === 'file' && stat !== undefined && isStill(change, stat);
    };
    return {
      changes,
      isAsFound,
      isReadAsFound: (path) => copies.has(path) || isAsFound(path),
      close({ taken, isAll }) {
        const noted = [...records].filter(([path]) => taken.has(path) && !copies.has(path));
        slot.writeTable(table.with(withDigests(new Map(noted.map(([path, each]) => [path, unlisted(each)])), digests)));
        return isAll && finished.length === all.length;
      },
      discard: () => rmSync(dir, { recursive: true, force: true }),
    };
  } finally {
    access.restore();
  }
}

/** Forces a new listing of the directory, which may contain unrecorded changes. */
function unlisted(record: KeptRecord | null): KeptRecord | null {
  return record?.type === 'dir' ? { ...record, mtimeMs: unknownTime, ctimeMs: unknownTime } : record;
}

function readCopies(changes: ChangeSet, copies: ReadonlyMap<BytePath, string>): ChangeSet {
  if (copies.size === 0) return changes;
  return {
    ...changes,
    read: (path) => readOne(copies.get(path), readWhole) ?? changes.read(path),
    readHead: (path, count) =>
      readOne(copies.get(path), (file) => readFirst(file, count)) ?? changes.readHead(path, count),
    digest: (path) => readOne(copies.get(path), (file) => digestFile(file).digest) ?? changes.digest(path),
  };
}

function readOne<T>(file: string | undefined, read: (file: string) => T): T | undefined {
  return file === undefined ? undefined : read(file);
}

function statOf(tree: string, path: BytePath): BigIntStats | undefined {
  return lstatSync(filePath(tree, path), { bigint: true, throwIfNoEntry: false });
}

function isStill(change: Extract<Change, { kind: 'file' }>, stat: BigIntStats): boolean {
  return stat.isFile() && stat.mtimeNs === change.mtimeNs && Number(stat.size) === change.sizeBytes;
}

function plainStat({ dev, ino }: BigIntStats): { readonly dev: number; readonly ino: number } {
  return { dev: Number(dev), ino: Number(ino) };
}
