import {
  displayPath,
  LayerStack,
  rootPath,
  type BytePath,
  type Change,
  type ChangeSet,
  type StoredLayer,
} from '@cachelane/core';
import { fromSystem, refused } from '../layers/file-errors.ts';
import type { FilePath } from '../layers/file-path.ts';
import { readMarks } from '../layers/markers.ts';
import { OpenAccess } from '../layers/open-access.ts';
import { digestFile, readFirst, readWhole } from '../layers/read-file.ts';
import type { StoreFiles } from '../layers/store-files.ts';
import { stripMarks } from './strip-marks.ts';
import { walkUpper, type UpperListing } from './walk-upper.ts';

export interface UpperPlace {
  readonly upper: string;
  /** A directory of our own on the same file system. */
  readonly scratch: string;
  readonly files: StoreFiles;
}

/**
 * Finds what a run left in an overlay's upper directory, and takes the kernel's own notes off it: the directory then says
 * the same in every kind of mount, with whiteouts for what was removed. Throws E_LAYER_REFUSED for files that are not
 * complete by themselves.
 */
export function collectUpper(place: UpperPlace, view: readonly StoredLayer[], signal: AbortSignal): ChangeSet {
  const { upper, files } = place;
  const access = new OpenAccess(upper, files);
  try {
    const listing = walkUpper(access, signal);
    return toChangeSet(place, readUpperMarks(place, { access, listing, view }));
  } finally {
    access.restore();
  }
}

interface Marked {
  readonly access: OpenAccess;
  readonly listing: UpperListing;
  readonly view: readonly StoredLayer[];
}

/**
 * Every directory is looked at: kernels mark directories that were made anew, that were moved into a merged directory, and,
 * depending on their settings, every new directory in a merged one; and a marked one may have been moved anywhere since.
 */
function readUpperMarks(place: UpperPlace, { access, listing, view }: Marked): readonly Change[] {
  const { changes, directories, hollow } = listing;
  if (directories.length + hollow.length === 0) return changes;
  const suspects = [rootPath, ...directories, ...hollow];
  for (const path of hollow) access.prepare(path);
  const opaque: BytePath[] = [];
  readMarks(place.upper, suspects).forEach((marks, i) => {
    const path = suspects[i] as BytePath;
    if (marks.refersElsewhere) {
      throw refused(path, 'the kernel kept only a reference to it; mount with redirect_dir=off,metacopy=off');
    }
    if (marks.opaque) opaque.push(path);
  });
  if (opaque.length === 0) return changes;
  stripMarks({ ...place, access }, opaque);
  const marked = new Set(opaque);
  const stack = new LayerStack(view);
  return changes.map((change) =>
    change.kind === 'dir' && marked.has(change.path) && stack.lookUp(change.path)?.entry.type === 'dir'
      ? { ...change, replaces: true }
      : change,
  );
}

export function toChangeSet(
  { upper, files }: Pick<UpperPlace, 'upper' | 'files'>,
  changes: readonly Change[],
): ChangeSet {
  let byPath: ReadonlyMap<BytePath, Change> | undefined;
  const read = <T>(path: BytePath, use: (file: FilePath) => T): T => {
    const access = new OpenAccess(upper, files);
    try {
      return access.run(path, use);
    } catch (error) {
      throw fromSystem(error, `reading ${displayPath(path)}`);
    } finally {
      access.restore();
    }
  };
  return {
    changes,
    find(path) {
      byPath ??= new Map(changes.map((change) => [change.path, change]));
      return byPath.get(path);
    },
    read: (path) => read(path, readWhole),
    readHead: (path, count) => read(path, (file) => readFirst(file, count)),
    digest: (path) => read(path, digestFile).digest,
    dir: upper,
  };
}
