import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NamespaceId } from '../base/ids.ts';
import type { LaneName } from '../lanes/lane.ts';
import { lowLevelId, lowLevelIdBytes, type LowLevelIdInputs } from './low-level-id.ts';
import type { VolumeName } from '../names/volume.ts';

type Raw = Readonly<Record<'namespaceId' | 'volume' | 'lane', string>> & Pick<LowLevelIdInputs, 'compat'>;

function inputs({ namespaceId, volume, compat, lane }: Raw): LowLevelIdInputs {
  return { namespaceId: namespaceId as NamespaceId, volume: volume as VolumeName, compat, lane: lane as LaneName };
}

const one = 'ns_00000000000000000000000000000001';
const last = 'ns_ffffffffffffffffffffffffffffffff';
const x64 = { os: 'linux', arch: 'x64' };
const odd = { image: 'node:26, "slim" é', '9': '', '10': '%' };

// Made by another implementation (Python's hashlib and struct, from docs/reference/names.md). A change here changes
// every id in every store: it needs a new version tag.
const vectors: readonly (readonly [Raw, string])[] = [
  [
    { namespaceId: one, volume: 'npm', compat: {}, lane: 't1:local' },
    'db1a3bb2bfbbdc535114ca26f2c7c983cfd0702b19d375c58424c3ccce6db07e',
  ],
  [
    { namespaceId: one, volume: 'npm', compat: {}, lane: 't1:ref:main' },
    '9f1ee8936cbeca1cad44b1087292ad024ff1eec6c6a105a06af0245dbb835c70',
  ],
  [
    { namespaceId: last, volume: 'npm', compat: {}, lane: 't1:local' },
    '316f01ac03db1e18d07b3403064ddd98e60a788dda0693e7f5d594649190ce66',
  ],
  [
    { namespaceId: one, volume: 'go-build', compat: x64, lane: 't1:pr:12' },
    '217aa73493bca293e05a2848a6ec14baf6c58026d9979c70ef8f1e73d74e1d37',
  ],
  [
    { namespaceId: one, volume: 'go-build', compat: { arch: 'x64os', x: 'linux' }, lane: 't1:pr:12' },
    'cce1bb8abca4882a13e88ad5662f01fd5ac93d4a32dd07959fb4b5a9d2351fec',
  ],
  [
    { namespaceId: one, volume: 'caf%C3%A9', compat: odd, lane: 't2:ref:release/1.2' },
    'b99eebb5e00e30d86f2f0be144539aa99a6c46789dadffe85e136f34f1a3594c',
  ],
  [
    { namespaceId: one, volume: 'npm', compat: {}, lane: 't3:env:npm' },
    '0046669baa1acf5d014292d34482c5613737770734025af4b3fae9cbafea0f2b',
  ],
  [
    { namespaceId: last, volume: 'pip', compat: { python: '3.13' }, lane: 't0:run:8843' },
    '87e8b1ee68b1a8ffcd848d708c70e770b1ea2737ff4bba6c64e7529458d19245',
  ],
];

test.each(vectors)('%j', (raw, id) => {
  expect(lowLevelId(inputs(raw))).toBe(id);
});

test('the bytes of the first vector', () => {
  const raw = { namespaceId: one, volume: 'npm', compat: {}, lane: 't1:local' };
  expect(Buffer.from(lowLevelIdBytes(inputs(raw))).toString('latin1')).toBe(
    `\0\0\0\0\x18cachelane.low-level-id.1\x01\0\0\0\x23${one}\x02\0\0\0\x03npm\x05\0\0\0\x08t1:local`,
  );
});

test('docs/reference/names.md has all these vectors', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../../docs/reference/names.md'), 'utf8');
  const row = /^(ns_[0-9a-f]+) (\S+) (\{.*\}) (\S+)\n {2}([0-9a-f]{64})$/gm;
  const published = [...text.matchAll(row)].map(([, namespaceId, volume, compat = '', lane, id]) => [
    { namespaceId, volume, compat: JSON.parse(compat) as unknown, lane },
    id,
  ]);
  expect(published).toEqual(vectors);
});

function keyOf(raw: Raw): string {
  const fields = Object.entries(raw.compat).map((field) => JSON.stringify(field));
  return JSON.stringify([raw.namespaceId, raw.volume, fields.toSorted(), raw.lane]);
}

describe('different inputs', () => {
  const text = fc.stringMatching(/^[a-z0-9:]{0,6}$/);
  const anyRaw = fc.record({
    namespaceId: text,
    volume: text,
    compat: fc.dictionary(fc.stringMatching(/^[a-z0-9]{1,3}$/), text, { maxKeys: 3 }),
    lane: text,
  });
  test('have different ids', () => {
    fc.assert(
      fc.property(anyRaw, anyRaw, (a, b) => {
        expect(lowLevelId(inputs(a)) === lowLevelId(inputs(b))).toBe(keyOf(a) === keyOf(b));
      }),
    );
  });
});
