import fc from 'fast-check';
import type { FuzzTarget, Piece } from './fuzz-target.fixture.ts';

// Mutations of valid inputs. Positions are numbers modulo the size, so that any list of mutations fits any input, also
// after fast-check shrinks it.

interface Blind {
  readonly kind: 'flip' | 'set' | 'cut' | 'insert' | 'duplicate' | 'swap' | 'splice';
  readonly at: number;
  readonly other: number;
  readonly count: number;
  readonly byte: number;
}

/** A mutation of a {@link Piece}. */
interface Aimed {
  readonly kind: 'edge' | 'add' | 'cut piece' | 'double piece' | 'swap pieces' | 'take piece';
  readonly at: number;
  readonly other: number;
  readonly edge: number;
}

type Mutation = Blind | Aimed;

const place = fc.nat(0xffff_ffff);

const blind: fc.Arbitrary<Blind> = fc.record({
  kind: fc.constantFrom('flip', 'flip', 'flip', 'set', 'set', 'set', 'cut', 'insert', 'duplicate', 'swap', 'splice'),
  at: place,
  other: place,
  count: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.constantFrom(64, 512, 1024, 4096, 65_536)),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x20, 0x2f, 0x2e, 0x30, 0x7f, 0x80, 0xff)),
});

const aimed: fc.Arbitrary<Aimed> = fc.record({
  kind: fc.constantFrom('edge', 'edge', 'edge', 'add', 'add', 'cut piece', 'double piece', 'swap pieces', 'take piece'),
  at: place,
  other: place,
  edge: fc.nat(255),
});

/** How an input differs from a valid one. */
export interface Recipe {
  /** Index of the valid input. */
  readonly base: number;
  readonly mutations: readonly Mutation[];
  readonly mended: boolean;
}

/** Shrinks towards the first valid inputs, which are the smallest. */
export function arbitraryRecipe({ bases }: FuzzTarget): fc.Arbitrary<Recipe> {
  return fc.record({
    base: fc.nat(bases.length - 1),
    // In structured input, a random byte change is mostly caught by the first check.
    mutations: fc.oneof(
      fc.array(aimed, { minLength: 1, maxLength: 5 }),
      fc.array(fc.oneof(blind, aimed, aimed), { minLength: 1, maxLength: 5 }),
    ),
    mended: fc.boolean(),
  });
}

/** Maximum input size: slowness of large inputs shows nothing. */
const inputBytesMax = 2_097_152;

export function cook(target: FuzzTarget, { base, mutations, mended }: Recipe): Buffer {
  const { bases } = target;
  let input: Buffer = Buffer.from(bases[base] ?? []);
  for (const mutation of mutations) {
    const donor = bases[mutation.other % bases.length] ?? input;
    input = isBlind(mutation) ? mutated(input, donor, mutation) : mutatedAt(target, input, { mutation, donor });
    if (input.length > inputBytesMax) input = input.subarray(0, inputBytesMax);
  }
  if (mended) target.mend(input);
  return input;
}

function isBlind(mutation: Mutation): mutation is Blind {
  return 'byte' in mutation;
}

function mutated(input: Buffer, donor: Buffer, { kind, at, other, count, byte }: Blind): Buffer {
  const from = at % (input.length + 1);
  const to = other % (input.length + 1);
  switch (kind) {
    case 'flip':
    case 'set': {
      const copy = Buffer.from(input);
      if (from < copy.length) copy[from] = kind === 'set' ? byte : (copy[from] ?? 0) ^ (1 << (byte & 7));
      return copy;
    }
    case 'cut':
      return replaced(input, from, { count, by: Buffer.alloc(0) });
    case 'insert':
      return replaced(input, from, { count: 0, by: Buffer.alloc(count, byte) });
    case 'duplicate':
      return replaced(input, to, { count: 0, by: input.subarray(from, from + count) });
    case 'swap':
      return swapped(input, { at: from, bytes: count }, { at: to, bytes: count });
    case 'splice': {
      const start = to % (donor.length + 1);
      return replaced(input, from, { count: byte & 1 ? count : 0, by: donor.subarray(start, start + count) });
    }
  }
}

interface Replacement {
  readonly count: number;
  readonly by: Uint8Array;
}

function replaced(input: Buffer, at: number, { count, by }: Replacement): Buffer {
  return Buffer.concat([input.subarray(0, at), by, input.subarray(at + count)]);
}

type Range = Pick<Piece, 'at' | 'bytes'>;

/** Unchanged if the ranges overlap. */
function swapped(input: Buffer, one: Range, other: Range): Buffer {
  const [first, second] = one.at <= other.at ? [one, other] : [other, one];
  if (first.at + first.bytes > second.at) return input;
  return Buffer.concat([
    input.subarray(0, first.at),
    input.subarray(second.at, second.at + second.bytes),
    input.subarray(first.at + first.bytes, second.at),
    input.subarray(first.at, first.at + first.bytes),
    input.subarray(second.at + second.bytes),
  ]);
}

interface Aim {
  readonly mutation: Aimed;
  readonly donor: Buffer;
}

function mutatedAt(target: FuzzTarget, input: Buffer, { mutation, donor }: Aim): Buffer {
  const pieces = target.pieces(input);
  const piece = pieces[mutation.at % pieces.length];
  if (piece === undefined) return input;
  const { at, bytes, kind } = piece;
  const alike = pieces.filter((each) => each.kind === kind && (kind !== 'little' || each.bytes === bytes));
  const other = alike[mutation.other % alike.length] ?? piece;
  const own = input.subarray(at, at + bytes);
  switch (mutation.kind) {
    case 'edge':
      return replaced(input, at, { count: bytes, by: edgeOf(piece, mutation.edge, input.length) });
    case 'add': {
      if (kind !== 'little')
        return replaced(input, at, { count: bytes, by: edgeOf(piece, mutation.edge, input.length) });
      const step = [1n, -1n, 2n, -2n, 64n, -64n, 512n, -512n][mutation.edge % 8] ?? 1n;
      return replaced(input, at, { count: bytes, by: little(littleIn(own) + step, bytes) });
    }
    case 'cut piece': {
      const isListed = kind === 'json' && input[at + bytes] === 0x2c;
      return replaced(input, at, { count: bytes + (isListed ? 1 : 0), by: Buffer.alloc(0) });
    }
    case 'double piece':
      return replaced(input, at, { count: 0, by: kind === 'json' ? Buffer.concat([own, Buffer.from(',')]) : own });
    case 'swap pieces':
      return swapped(input, piece, other);
    case 'take piece': {
      const theirs = target.pieces(donor).filter((each) => each.kind === kind);
      const found = theirs[mutation.edge % theirs.length];
      if (found === undefined) return input;
      return replaced(input, at, { count: bytes, by: donor.subarray(found.at, found.at + found.bytes) });
    }
  }
}

const edges: readonly bigint[] = [
  ...[0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 53, 62, 63, 64].flatMap((bits) => [
    2n ** BigInt(bits) - 1n,
    2n ** BigInt(bits),
  ]),
  ...[1024, 999_999, 1_000_000, 999_999_999, 1_000_000_000, 4_194_304, 4_194_305].map(BigInt),
];

const jsonEdges: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '0.5',
  '1e400',
  '-0',
  '9007199254740991',
  '9007199254740993',
  '{}',
  '[]',
  '""',
  '"\\u0000"',

  '"__proto__"',
  '{"__proto__":{"x":1}}',
  '{"constructor":null}',
  '[[]]',
  '"\\ud800"',
  '"../.."',
  '"/"',
  '" "',
  '"a\\nb"',
  JSON.stringify('x'.repeat(1025)),
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `"${'0'.repeat(64)}"`,
  `"run_${'0'.repeat(32)}"`,
];

/** Names that lead out, are invalid, or are reserved. */
const names: readonly string[] = [
  '..',
  '../f',
  '../../d/f',
  'a/../../f',
  'd/..',
  'd/../..',
  '/',
  '/etc/hostname',
  '.',
  './',
  '',
  'f',
  'd',
  'd/f',
  'd/f/x',
  'l/x',

  'd//f',
  ' ',
  '\n',
  '\xff',
  '\xc3\xbc',
  '.wh.f',
  '.wh..wh..opq',
  '.cachelane-seed-x/f',
  'x'.repeat(300),
  'x/'.repeat(50),
];

function edgeOf({ kind, bytes }: Piece, edge: number, inputBytes: number): Uint8Array {
  if (kind === 'json') return Buffer.from(jsonEdges[edge % jsonEdges.length] ?? 'null');
  if (kind === 'block') {
    const block = Buffer.alloc(bytes, edge < names.length ? 0 : edge);
    block.write(names[edge] ?? '', 'latin1');
    return block;
  }
  const numbers = [...edges, BigInt(inputBytes), BigInt(inputBytes - 1), BigInt(inputBytes + 1)];
  const number = numbers[edge % numbers.length] ?? 0n;
  if (kind === 'little') return little(number, bytes);
  const digits = number
    .toString(8)
    .slice(0, bytes - 1)
    .padStart(bytes - 1, '0');
  return Buffer.from(edge > 250 ? '\xff'.repeat(bytes) : edge > 240 ? ' '.repeat(bytes) : `${digits}\0`, 'latin1');
}

function little(value: bigint, bytes: number): Uint8Array {
  const out = Buffer.alloc(bytes);
  for (let i = 0, left = BigInt.asUintN(8 * bytes, value); i < bytes; i++, left >>= 8n) out[i] = Number(left & 0xffn);
  return out;
}

function littleIn(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}
