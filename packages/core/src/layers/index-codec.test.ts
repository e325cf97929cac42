import { arbitraryBytePath, arbitraryEntries, indexFault } from '@cachelane/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCachelaneError } from '../base/errors.ts';
import type { RunId } from '../base/ids.ts';
import type { BytePath } from './byte-path.ts';
import { digestOf } from '../base/digest.ts';
import type { Entry, LayerIndex } from './entry.ts';
import { encodeIndex } from './index-codec-encode.ts';
import { openIndex } from './index-codec.ts';
import { memoryIndex } from './memory-index.ts';

const run = `run_${'0a'.repeat(16)}` as RunId;
const otherRun = `run_${'0b'.repeat(16)}` as RunId;

const file: Entry = {
  path: 'a/file' as BytePath,
  type: 'file',
  mode: 0o644,
  mtimeNs: 1_700_000_000_123_456_789n,
  sizeBytes: 5,
  digest: digestOf('hello'),
  origins: [run],
  mergeClass: 'U',
  group: null,
  form: 'whole',
  removed: null,
};
const directory: Entry = { ...file, path: 'a' as BytePath, type: 'dir', mode: 0o755, sizeBytes: 0, digest: null };
const sample: readonly Entry[] = [
  directory,
  { ...file, path: 'a-b' as BytePath, form: 'delta', mergeClass: 'A', origins: [run, otherRun] },
  file,
  { ...file, path: 'a/\xff' as BytePath, type: 'symlink', mode: 0o777, mtimeNs: -1n },
  { ...directory, path: 'b' as BytePath, removed: 'below', group: 'grün' },
  { ...directory, path: 'b/gone' as BytePath, type: 'file', removed: 'counted' },
];

function read(index: LayerIndex): { readonly all: readonly Entry[]; readonly special: readonly Entry[] } {
  return { all: [...index.entries()], special: [...index.special()] };
}

function hexLines(bytes: Uint8Array): readonly string[] {
  return (
    Buffer.from(bytes)
      .toString('hex')
      .match(/.{1,64}/g) ?? []
  ).map(String);
}

/** Damage may be refused anywhere, but only with its own error. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (isCachelaneError(error, 'E_LAYER_CORRUPT') || isCachelaneError(error, 'E_STORE_NEWER')) return undefined;
    throw error;
  }
}

describe('an index in bytes', () => {
  test('equals one in memory', () => {
    fc.assert(
      fc.property(arbitraryEntries, fc.array(arbitraryBytePath, { maxLength: 8 }), (entries, strangers) => {
        const index = openIndex(encodeIndex(entries.toReversed()));
        const model = memoryIndex(entries);
        expect(index.count).toBe(model.count);
        expect(read(index)).toEqual(read(model));
        expect(new Set(index.runs())).toEqual(new Set(model.runs()));
        for (const path of [...entries.map((entry) => entry.path), ...strangers, '' as BytePath]) {
          expect(index.find(path)).toEqual(model.find(path));
          expect([...index.below(path)]).toEqual([...model.below(path)]);
        }
      }),
      { numRuns: 600 },
    );
  });

  test('does not depend on the order of the entries', () => {
    expect(encodeIndex(sample.toReversed())).toEqual(encodeIndex(sample));
  });

  test('can be read repeatedly', () => {
    const index = openIndex(encodeIndex(sample));
    const entries = index.entries();
    expect([...entries]).toEqual([...entries]);
  });

  test('without entries is a header', () => {
    expect(encodeIndex([]).length).toBe(64);
    expect(read(openIndex(encodeIndex([])))).toEqual({ all: [], special: [] });
  });

  // Every layer id depends on these bytes: if this test fails, the format needs a new version.
  test('of version 1 has these bytes', () => {
    const bytes = encodeIndex(sample);
    expect(hexLines(bytes)).toEqual([
      '636c696e6465780a010000000000000006000000030000000300000006000000',
      '02000000030000000200000001000000020000000e0000000500000000000000',
      '0000000000000000000000000000000000000000000000000000000000000000',
      '00f1536500000000000000000000000015cd5b07000000000100000000000000',
      '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      '00f1536500000000050000000000000015cd5b07000000000400000001000000',
      '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      '00f1536500000000050000000000000015cd5b07010000000800000002000000',
      '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      'ffffffffffffffff0500000000000000ffc99a3b010000000900000003000000',
      '0000000000000000000000000000000000000000000000000000000000000000',
      '00f1536500000000000000000000000015cd5b07000000000a00000004000000',
      '0000000000000000000000000000000000000000000000000000000000000000',
      '00f1536500000000000000000000000015cd5b07020000000e00000005000000',
      '01000000ed010000000000000000000000010100a40100000100000000000000',
      '00000000a4010000000000000000000002000000ff0100000000000000000000',
      '01000002ed010000000000000100000000000001ed0100000000000000000000',
      '0100000004000000050000000000000001000000020000000500000001000000',
      '030000000000000000000000010000000a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a',
      '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b616261612d6266696c65ff62676f6e65',
      '6772c3bc6e',
    ]);
  });
});

describe('a damaged index', () => {
  test('that is truncated or has trailing bytes is refused at once', () => {
    const bytes = encodeIndex(sample);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => openIndex(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: 'E_LAYER_CORRUPT' }));
    }
    expect(() => openIndex(new Uint8Array([...bytes, 0]))).toThrow(
      expect.objectContaining({ code: 'E_LAYER_CORRUPT' }),
    );
  });

  test('with any bit flipped is refused, or yields valid entries', () => {
    const bytes = encodeIndex(sample);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Uint8Array.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const index = attempt(() => openIndex(damaged));
      if (index === undefined) continue;
      const all = attempt(() => [...index.entries()]);
      if (all !== undefined) expect(indexFault(all), `bit ${bit}`).toBeNull();
      attempt(() => [...index.special()]);
      for (const { path } of sample) {
        attempt(() => index.find(path));
        const below = attempt(() => [...index.below(path)]);
        if (below !== undefined) expect(indexFault(below), `bit ${bit}`).toBeNull();
      }
    }
  });

  test('with any bytes changed is refused, or yields valid entries', () => {
    const damage = fc.array(fc.tuple(fc.nat(10_000), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(arbitraryEntries, damage, (entries, changes) => {
        const bytes = encodeIndex(entries);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const all = attempt(() => [...openIndex(bytes).entries()]);
        if (all !== undefined) expect(indexFault(all)).toBeNull();
      }),
      { numRuns: 2000 },
    );
  });

  test('of a later version is E_STORE_NEWER', () => {
    const bytes = encodeIndex(sample);
    bytes[8] = 2;
    expect(() => openIndex(bytes)).toThrow(expect.objectContaining({ code: 'E_STORE_NEWER' }));
  });

  test('may be anywhere in a larger buffer', () => {
    const bytes = encodeIndex(sample);
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 3);
    expect(read(openIndex(larger.subarray(3, 3 + bytes.length))).all).toEqual(sample);
  });
});

describe('an index cannot be made of', () => {
  test.each<readonly [string, readonly Entry[]]>([
    ['one path twice', [file, file]],
    ['an entry for the root', [{ ...directory, path: '' as BytePath }]],
    ['setuid', [{ ...file, mode: 0o4755 }]],
    ['a directory with content', [{ ...directory, digest: file.digest }]],
    ['a removal with content', [{ ...file, removed: 'counted' }]],
    ['a delta that hides what is below', [{ ...file, form: 'delta', removed: 'below' }]],
    ['origins out of order', [{ ...file, origins: [otherRun, run] }]],
    ['a group label that is not text', [{ ...file, group: '\ud800' }]],
    ['a path with an empty name', [{ ...file, path: 'a//b' as BytePath }]],
    ['a path that leads up', [{ ...file, path: 'a/../b' as BytePath }]],
    ['a name that leads up', [{ ...file, path: '..' as BytePath }]],
  ])('%s', (_, entries) => {
    expect(() => encodeIndex(entries)).toThrow();
  });
});
