import {
  comparePaths,
  digestOf,
  memoryIndex,
  mergeClasses,
  newId,
  type BytePath,
  type Entry,
  type EntryForm,
  type EntryType,
  type Removal,
  type RunId,
} from '@cachelane/core';
import fc from 'fast-check';

// Entries for codecs: fields with odd values, paths that need not form a tree.

/** File names: any byte but NUL and `/`. Short and similar, so that order and prefixes matter. */
export const arbitraryName: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 6, arbitrary: fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', ' '), minLength: 1, maxLength: 4 }) },
    { weight: 2, arbitrary: fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 6 }).map(fromBytes) },
    { weight: 1, arbitrary: fc.constantFrom('.wh.a', '\u00ff', '\n', 'x'.repeat(255), '...') },
  )
  .filter((name) => name !== '.' && name !== '..' && !name.includes('/'));

function fromBytes(bytes: readonly number[]): string {
  return String.fromCharCode(...bytes.map((byte) => (byte === 0x2f ? 0x30 : byte)));
}

export const arbitraryBytePath: fc.Arbitrary<BytePath> = fc
  .array(arbitraryName, { minLength: 1, maxLength: 4 })
  .map((names) => names.join('/') as BytePath);

const arbitraryRun: fc.Arbitrary<RunId> = fc
  .integer({ min: 0, max: 6 })
  .map((seed) => newId('run', new Uint8Array(16).fill(seed * 41)));

const arbitraryOrigins: fc.Arbitrary<readonly RunId[]> = fc
  .uniqueArray(arbitraryRun, { maxLength: 4 })
  .map((runs) => runs.toSorted());

const arbitraryTimeNs: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: 2_000_000_000_000_000_000n }),
  fc.bigInt({ min: -(2n ** 90n), max: 2n ** 90n }),
  fc.constantFrom(0n, -1n, 1n, 7_258_118_400_000_000_000n, 999_999_999n, -1_000_000_000n),
);

interface Shape {
  readonly type: EntryType;
  readonly form: EntryForm;
  readonly removed: Removal | null;
}

const arbitraryShape: fc.Arbitrary<Shape> = fc.oneof(
  fc.constant({ type: 'file', form: 'whole', removed: null } as const),
  fc.constant({ type: 'file', form: 'whole', removed: 'below' } as const),
  fc.constant({ type: 'file', form: 'delta', removed: null } as const),
  fc.constant({ type: 'symlink', form: 'whole', removed: null } as const),
  fc.constant({ type: 'dir', form: 'whole', removed: null } as const),
  fc.constant({ type: 'dir', form: 'whole', removed: 'below' } as const),
  fc.record({
    type: fc.constantFrom<EntryType>('file', 'dir', 'symlink'),
    form: fc.constant('whole' as const),
    removed: fc.constantFrom<Removal>('counted', 'hint'),
  }),
);

function holdsContent({ type, removed }: Shape): boolean {
  return type !== 'dir' && removed !== 'counted' && removed !== 'hint';
}

const arbitraryEntry: fc.Arbitrary<Entry> = fc
  .record({
    path: arbitraryBytePath,
    shape: arbitraryShape,
    mode: fc.constantFrom(0, 0o644, 0o755, 0o1777, 0o400),
    mtimeNs: arbitraryTimeNs,
    sizeBytes: fc.oneof(fc.nat(100), fc.maxSafeNat()),
    content: fc.nat(9),
    origins: arbitraryOrigins,
    mergeClass: fc.constantFrom(...mergeClasses),
    group: fc.option(fc.constantFrom('pkg', '', 'gr\u00fc\u00df', '\ufeffbom', '\u{1f4e6}'), { freq: 3 }),
  })
  .map(({ shape, content, sizeBytes, ...rest }) => ({
    ...rest,
    ...shape,
    sizeBytes: holdsContent(shape) ? sizeBytes : 0,
    digest: holdsContent(shape) ? digestOf(String(content)) : null,
  }));

/** Valid entries of one layer in byte order, each path once. */
export const arbitraryEntries: fc.Arbitrary<readonly Entry[]> = fc
  .uniqueArray(arbitraryEntry, { maxLength: 25, selector: (entry) => entry.path })
  .map((entries) => entries.toSorted((a, b) => comparePaths(a.path, b.path)));

/** Returns why an index is invalid, or null: entries in order, each path once, each valid. */
export function indexFault(entries: readonly Entry[]): string | null {
  let previous: BytePath | undefined;
  for (const { path, sizeBytes, mode, digest } of entries) {
    if (previous !== undefined && previous >= path) return 'order';
    if (path === '' || path.split('/').some((name) => ['', '.', '..'].includes(name) || name.length > 255))
      return 'path';
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || (mode & ~0o1777) !== 0) return 'number';
    if (digest !== null && !/^[0-9a-f]{64}$/.test(digest)) return 'digest';
    previous = path;
  }
  return memoryIndex(entries).count === entries.length ? null : 'count';
}
