import { digestOf, limits, parentPath, type BytePath, type Entry } from '@cachelane/core';
import fc from 'fast-check';
import { arbitraryName } from './arbitrary-entries.ts';
import { contentEntry } from './change-sets.ts';

/** An entry of a tree, with its content. */
export interface TreeItem {
  readonly entry: Entry;
  readonly content: Uint8Array | undefined;
}

type Kind = 'file' | 'delta' | 'dir' | 'below' | 'symlink' | 'counted' | 'hint';

interface Leaf {
  readonly path: BytePath;
  readonly kind: Kind;
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly sizeBytes: number;
  readonly filler: number;
}

const arbitraryPath: fc.Arbitrary<BytePath> = fc
  .array(arbitraryName, { minLength: 1, maxLength: 4 })
  .map((names) => names.join('/') as BytePath);

const arbitraryKind: fc.Arbitrary<Kind> = fc.oneof(
  { weight: 6, arbitrary: fc.constant('file' as const) },
  { weight: 6, arbitrary: fc.constantFrom('dir', 'below', 'symlink', 'counted', 'hint', 'delta') },
);

/** Beyond it, Node's floating-point seconds are less exact than a microsecond. */
const exactSecondsMax = 8_000_000_000n;

/** Times of file systems: before 1970, far in the future, between microseconds. */
const arbitraryTimeNs: fc.Arbitrary<bigint> = fc.oneof(
  fc
    .tuple(
      fc.oneof(fc.bigInt({ min: BigInt(limits.timeSecondsMin), max: exactSecondsMax }), fc.constantFrom(0n, -1n)),
      fc.oneof(fc.bigInt({ min: 0n, max: 999_999_999n }), fc.constantFrom(0n, 1n, 999_999_999n)),
    )
    .map(([seconds, ns]) => seconds * 1_000_000_000n + ns),
  fc.constantFrom(limits.timeSecondsMin, limits.timeSecondsMax).map((seconds) => BigInt(seconds) * 1_000_000_000n),
);

/** Sizes around block and page boundaries. */
const arbitrarySize: fc.Arbitrary<number> = fc.oneof(
  fc.nat(2000),
  fc.constantFrom(0, 1, 447, 448, 449, 511, 512, 513, 1024, 4095, 4096, 4097, 65_536, 300_001),
);

const arbitraryLeaf: fc.Arbitrary<Leaf> = fc.record({
  path: arbitraryPath,
  kind: arbitraryKind,
  mode: fc.constantFrom(0, 0o400, 0o555, 0o644, 0o755, 0o1777),
  mtimeNs: arbitraryTimeNs,
  sizeBytes: arbitrarySize,
  filler: fc.nat(255),
});

/** Enough names to give a directory many blocks. */
const arbitraryCrowd: fc.Arbitrary<readonly Leaf[]> = fc
  .record({ holder: arbitraryPath, count: fc.constantFrom(0, 0, 3, 40, 700), nameBytes: fc.constantFrom(4, 60, 255) })
  .map(({ holder, count, nameBytes }) =>
    Array.from({ length: count }, (_, i) => ({
      path: `${holder}/${String(i).padStart(nameBytes, 'n')}` as BytePath,
      kind: i % 7 === 3 ? 'dir' : 'file',
      mode: 0o644,
      mtimeNs: BigInt(i),
      sizeBytes: i % 5,
      filler: i & 255,
    })),
  );

/** A layer that a pull would accept, in byte order: parents exist, only directories have children, no symlink leads out. */
export const arbitraryTree: fc.Arbitrary<readonly TreeItem[]> = fc
  .tuple(fc.array(arbitraryLeaf, { maxLength: 30 }), arbitraryCrowd)
  .map(([leaves, crowd]) => {
    const items = new Map<BytePath, TreeItem>();
    for (const leaf of [...leaves, ...crowd]) place(items, leaf);
    return [...items.values()].toSorted((a, b) => (a.entry.path < b.entry.path ? -1 : 1));
  });

function place(items: Map<BytePath, TreeItem>, leaf: Leaf): void {
  if (items.has(leaf.path)) return;
  const missing: BytePath[] = [];
  for (let parent = parentPath(leaf.path); parent !== ''; parent = parentPath(parent)) {
    const known = items.get(parent)?.entry;
    if (known !== undefined && (known.type !== 'dir' || known.removed === 'counted' || known.removed === 'hint'))
      return;
    if (known === undefined) missing.push(parent);
  }
  const isDirectory = leaf.kind === 'dir' || leaf.kind === 'below';
  if (!isDirectory && [...items.keys()].some((path) => path.startsWith(`${leaf.path}/`))) return;
  for (const path of missing) items.set(path, itemOf({ ...leaf, path, kind: 'dir' }));
  items.set(leaf.path, itemOf(leaf));
}

function itemOf({ path, kind, mode, mtimeNs, sizeBytes, filler }: Leaf): TreeItem {
  const nothing = { mode, mtimeNs, sizeBytes: 0, digest: null } as const;
  const content = Buffer.alloc(sizeBytes, filler);
  switch (kind) {
    case 'file':
      return { entry: contentEntry(path, content, { mode, mtimeNs }).entry, content };
    case 'delta':
      return { entry: contentEntry(path, content, { mode, mtimeNs, form: 'delta' }).entry, content };
    case 'symlink': {
      const target = targetOf(sizeBytes, filler);
      const overrides = { type: 'symlink', mode: 0o777, mtimeNs, digest: digestOf(target) } as const;
      return { entry: contentEntry(path, target, overrides).entry, content: target };
    }
    case 'dir':
    case 'below':
      return {
        entry: contentEntry(path, '', { ...nothing, type: 'dir', removed: kind === 'below' ? 'below' : null }).entry,
        content: undefined,
      };
    case 'counted':
    case 'hint':
      return { entry: contentEntry(path, '', { ...nothing, removed: kind }).entry, content: undefined };
  }
}

/** A target below the link itself, from one byte to the maximum length. */
function targetOf(sizeBytes: number, filler: number): Buffer {
  const length = Math.min(Math.max(sizeBytes, 1), limits.symlinkTargetBytes);
  const byte = filler === 0 || filler === 0x2f || filler === 0x2e ? 0x61 : filler;
  const target = Buffer.alloc(length, byte);
  for (let i = 199; i < length - 1; i += 200) target[i] = 0x2f;
  return target;
}
