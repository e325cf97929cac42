import {
  memoryIndex,
  newId,
  parentPath,
  type BytePath,
  type Digest,
  type Entry,
  type LayerIndex,
  type MergeClass,
  type RunId,
} from '@cachelane/core';
import fc from 'fast-check';

/**
 * Small trees over few names, so that random layers often share paths. The name decides the class, as with a real tool: `a*` merges lines,
 * `u*` is plain content.
 */
const names = ['a1', 'a2', 'u1', 'u2', 'x'] as const;

export function runIdOf(number: number): RunId {
  return newId(
    'run',
    Uint8Array.from({ length: 16 }, (_, index) => (index === 15 ? number & 255 : index === 14 ? number >> 8 : 0)),
  );
}

export function classOfName(path: BytePath): MergeClass {
  return path.slice(path.lastIndexOf('/') + 1).startsWith('a') ? 'A' : 'U';
}

type Leaf = 'whole' | 'delta' | 'counted' | 'hint' | 'dir' | 'below' | 'symlink';

const arbitraryPath = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
  .map((segments) => segments.join('/') as BytePath);

const arbitraryLeaf: fc.Arbitrary<Leaf> = fc.constantFrom(
  'whole',
  'whole',
  'whole',
  'delta',
  'counted',
  'hint',
  'dir',
  'below',
  'symlink',
);

/** A layer of one run. Content is a set of numbers like `1+5`, so that a model can merge versions. */
export function arbitraryLayer(run: RunId): fc.Arbitrary<LayerIndex> {
  const leaf = fc.tuple(arbitraryPath, arbitraryLeaf, fc.integer({ min: 0, max: 30 }));
  return fc.array(leaf, { maxLength: 7 }).map((leaves) => {
    const byPath = new Map<BytePath, Entry>();
    for (const [path, kind, content] of leaves) place(byPath, modelEntry(path, kind, content, run));
    return memoryIndex(byPath.values());
  });
}

/** Keeps the layer a tree: parents are directories, and nothing is below a file or a removal. */
function place(byPath: Map<BytePath, Entry>, entry: Entry): void {
  if (byPath.has(entry.path)) return;
  const missing: BytePath[] = [];
  for (let parent = parentPath(entry.path); parent !== ''; parent = parentPath(parent)) {
    const known = byPath.get(parent);
    if (known !== undefined && (known.type !== 'dir' || known.removed === 'counted' || known.removed === 'hint'))
      return;
    if (known === undefined) missing.push(parent);
  }
  const holdsChildren = [...byPath.keys()].some((path) => path.startsWith(`${entry.path}/`));
  if (holdsChildren && (entry.type !== 'dir' || entry.removed !== null)) return;
  if (entry.removed !== 'hint') {
    for (const parent of missing) byPath.set(parent, modelEntry(parent, 'dir', 0, entry.origins[0] ?? runIdOf(0)));
  }
  byPath.set(entry.path, entry);
}

function modelEntry(path: BytePath, kind: Leaf, content: number, run: RunId): Entry {
  const mergeClass = classOfName(path);
  const isFile = kind === 'whole' || kind === 'delta';
  return {
    path,
    type: isFile ? 'file' : kind === 'symlink' ? 'symlink' : 'dir',
    mode: isFile ? 0o644 : 0o755,
    mtimeNs: 0n,
    sizeBytes: 0,
    digest: isFile || kind === 'symlink' ? (String(content) as Digest) : null,
    origins: [run],
    mergeClass,
    group: null,
    form: kind === 'delta' && mergeClass === 'A' ? 'delta' : 'whole',
    removed: kind === 'counted' ? 'counted' : kind === 'hint' ? 'hint' : kind === 'below' ? 'below' : null,
  };
}
