import {
  type BytePath,
  type Change,
  type ChangeSet,
  LayerStack,
  type StoredLayer,
  parentPath,
  rootPath,
} from '@cachelane/core';
import { refused } from '../files/file-errors.ts';
import {
  type MarkNamespace,
  type OverlayMarks,
  isOpaque,
  markNamespaces,
  readMarks,
  refersElsewhere,
} from '../files/markers.ts';
import { OpenAccess } from '../files/open-access.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { toChangeSet } from '../layers/change-set.ts';
import { stripMarks } from './strip-marks.ts';
import { type UpperListing, walkUpper } from './walk-upper.ts';

export interface UpperPlace {
  readonly upper: string;
  /** A directory of ours on the same file system. */
  readonly scratch: string;
  readonly files: StoreFiles;
}

/**
 * Returns the changes in an overlay's upper directory, and removes the kernel's own marks. The directory then means
 * the same in every kind of mount, with whiteouts for removed paths. Throws E_LAYER_REFUSED for files that are
 * incomplete by themselves.
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
 * Reads the marks of every directory. Kernels mark recreated directories, directories moved into a merged one and,
 * with some settings, every new directory in a merged one. A marked directory may have been moved since.
 */
function readUpperMarks(place: UpperPlace, { access, listing, view }: Marked): readonly Change[] {
  const { changes, directories, hollow } = listing;
  // Nothing could be copied up, and no directory could be marked.
  if (directories.length === 0 && view.length === 0) return changes;
  const suspects = [rootPath, ...directories];
  const marks = readMarks(place.upper, suspects);
  const rootMarks = marks[0] ?? new Set();
  const native = nativeNamespaces(rootMarks);
  const opaque: BytePath[] = [];
  const remade = new Set<BytePath>();
  for (const [i, path] of suspects.entries()) {
    const own = marks[i] ?? new Set();
    refuseReferences(path, own);
    if (isOpaque(own)) opaque.push(path);
    if (isOpaque(own, native)) remade.add(path);
  }
  // Only mounts by root copy files up without content. Checking costs a read of every small file.
  if (rootMarks.has('trusted.overlay.impure')) {
    for (const path of hollow) access.prepare(path);
    for (const [i, own] of readMarks(place.upper, hollow).entries()) refuseReferences(hollow[i] ?? rootPath, own);
  }
  if (opaque.length === 0) return changes;
  stripMarks({ ...place, access }, opaque);
  return markReplaced(changes, remade, new LayerStack(view));
}

function refuseReferences(path: BytePath, marks: OverlayMarks): void {
  if (!refersElsewhere(marks)) return;
  throw refused(path, 'the kernel stored only a reference to it; mount with redirect_dir=off,metacopy=off');
}

/**
 * Returns the attribute prefixes that this mount's kernel wrote. Layers have marks for both kinds of mount, and
 * each kind copies the other's marks like plain attributes. A copy-up makes the root `impure` under the mount's own
 * prefix. Without that, no marks were copied.
 */
function nativeNamespaces(rootMarks: OverlayMarks): readonly MarkNamespace[] {
  const impure = markNamespaces.filter((namespace) => rootMarks.has(`${namespace}impure`));
  return impure.length === 0 ? markNamespaces : impure;
}

/** Marks everything in a recreated directory as new. */
function markReplaced(
  changes: readonly Change[],
  marked: ReadonlySet<BytePath>,
  stack: LayerStack<StoredLayer>,
): readonly Change[] {
  const anew = new Set<BytePath>();
  return changes.map((change) => {
    const { kind, path } = change;
    if (kind !== 'dir' || !(marked.has(path) || anew.has(parentPath(path)))) return change;
    anew.add(path);
    return stack.lookUp(path)?.entry.type === 'dir' ? { ...change, replaces: true } : change;
  });
}
