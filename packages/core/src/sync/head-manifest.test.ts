import { describe, expect, test } from 'vitest';
import { limits } from '../base/limits.ts';
import { decodeManifest, encodeManifest, type HeadManifest, type ManifestLayer } from './head-manifest.ts';

const hex = (digit: string, length = 64): string => digit.repeat(length);

function layer(digit: string): ManifestLayer {
  return {
    id: hex(digit) as ManifestLayer['id'],
    run: `run_${hex('1', 32)}` as ManifestLayer['run'],
    counts: { added: 1, changed: 2, removed: 3, sizeBytes: 4 },
    files: 5,
    sealedAtMs: 6,
    indexBytes: 7,
    data: { sizeBytes: 8, digest: hex('f') as ManifestLayer['data']['digest'] },
  };
}

const parts = (from: number, count: number): ManifestLayer[] =>
  Array.from({ length: count }, (_, index) => ({
    ...layer('a'),
    id: (from + index).toString(16).padStart(64, '0') as ManifestLayer['id'],
  }));

const foreign = { ...layer('d'), run: `run_${hex('9', 32)}` };

const manifest = {
  namespace: 'github.com/acme/web',
  volume: 'npm',
  compat: { os: 'linux', arch: 'x64' },
  lane: 't1:ref:main',
  tool: 'npm',
  layers: [layer('b'), layer('a')],
  runs: [
    {
      id: `run_${hex('1', 32)}`,
      lane: 't1:ref:main',
      startedAtMs: 1,
      revision: 'c0ffee',
      workflow: null,
      purpose: 'prune',
    },
  ],
  squashes: [{ id: hex('b'), atMs: 9, layers: [layer('d'), layer('e')] }],
  revoked: [{ run: `run_${hex('3', 32)}`, atMs: 10, by: 'ann' }],
  removed: [hex('c')],
} as unknown as HeadManifest;

const encoder = new TextEncoder();

function changed(change: (document: Record<string, unknown>) => void): Uint8Array {
  const document = JSON.parse(new TextDecoder().decode(encodeManifest(manifest))) as Record<string, unknown>;
  change(document);
  return encoder.encode(JSON.stringify(document));
}

type Change = readonly [title: string, change: (document: Record<string, unknown>) => void];
const first = (document: Record<string, unknown>, list: string): Record<string, unknown> =>
  (document[list] as Record<string, unknown>[])[0] ?? {};

describe('a manifest', () => {
  test('reads back as written', () => {
    expect(decodeManifest(encodeManifest(manifest), manifest)).toEqual({
      ...manifest,
      compat: { arch: 'x64', os: 'linux' },
    });
  });

  test('names only missing layers as removed', () => {
    const more = { ...manifest, removed: [...manifest.removed, hex('a'), hex('d')] } as unknown as HeadManifest;
    expect(decodeManifest(encodeManifest(more), null)).toEqual(decodeManifest(encodeManifest(manifest), null));
  });

  test('names all runs of its layers, and the latest of other runs', () => {
    const others = Array.from({ length: limits.manifestRuns + 5 }, (_, index) => ({
      ...manifest.runs[0],
      id: `run_${index.toString(16).padStart(32, '0')}`,
      startedAtMs: 1000 + index,
    }));
    const more = { ...manifest, runs: [...others, ...manifest.runs] } as unknown as HeadManifest;
    const { runs } = decodeManifest(encodeManifest(more), null);
    expect(runs).toHaveLength(limits.manifestRuns + 1);
    expect(runs[0]).toEqual(manifest.runs[0]);
    expect(runs.at(-1)?.startedAtMs).toBe(1005);
  });

  test('has the latest squashes that fit', () => {
    const squashes = [
      { id: hex('a'), atMs: 1, layers: parts(0, 10) },
      { id: hex('b'), atMs: 2, layers: parts(100, limits.replacedLayers) },
    ];
    const many = { ...manifest, squashes } as unknown as HeadManifest;
    const read = decodeManifest(encodeManifest(many), null);
    expect(read.squashes.map(({ id }) => id)).toEqual([hex('b')]);
    expect(read.removed).toEqual([hex('c'), ...parts(0, 10).map(({ id }) => id)]);
  });

  test('has only squashes of its own layers, and names no layer twice', () => {
    const squashes = [
      { id: hex('b'), atMs: 4, layers: [layer('d'), layer('e')] },
      { id: hex('e'), atMs: 3, layers: [layer('7')] },
      // Contains a separate layer, a layer inside another squash, and that layer twice.
      { id: hex('d'), atMs: 2, layers: [layer('6'), layer('a')] },
      { id: hex('a'), atMs: 2, layers: [layer('5'), layer('7')] },
      { id: hex('7'), atMs: 2, layers: [layer('4'), layer('4')] },
      // Inside a squash that the head does not name.
      { id: hex('6'), atMs: 1, layers: [layer('3')] },
    ];
    const read = decodeManifest(encodeManifest({ ...manifest, squashes } as unknown as HeadManifest), null);
    expect(read.squashes.map(({ id }) => id)).toEqual([hex('b'), hex('e')]);
    expect(read.removed).toEqual(['c', '6', '5', '4', '3'].map((digit) => hex(digit)));
  });

  test('reads back with any workflow name of a CI system', () => {
    const workflows = ['build\tand\ntest', '\u001B[2J\u009B2J', 'x'.repeat(5000), '\u{1F600}'.repeat(2000), ''];
    for (const workflow of workflows) {
      const run = { ...manifest.runs[0], workflow, revision: workflow };
      const read = decodeManifest(encodeManifest({ ...manifest, runs: [run] } as unknown as HeadManifest), manifest);
      expect(read.runs[0]?.workflow?.slice(0, 5)).toBe(workflow.slice(0, 5).replaceAll(/\p{Cc}/gu, ' '));
    }
  });

  test('must fit into a head', () => {
    const layers = Array.from({ length: 16_000 }, (_, index) => ({
      ...layer('a'),
      id: index.toString(16).padStart(64, '0'),
    }));
    expect(() => encodeManifest({ ...manifest, layers } as unknown as HeadManifest)).toThrow('16000 layers');
    expect(limits.remoteHeadBytes).toBe(4_194_304);
  });

  test.each([
    ['another namespace', { namespace: 'github.com/acme/api' }],
    ['another volume', { volume: 'pip' }],
    ['another compat', { compat: {} }],
    ['another lane', { lane: 't1:ref:dev' }],
  ])('of %s is not accepted as the requested one', (_, other) => {
    const expected = { ...manifest, ...other } as unknown as HeadManifest;
    expect(() => decodeManifest(encodeManifest(manifest), expected)).toThrow(
      'it is the head of github.com/acme/web:npm',
    );
    expect(decodeManifest(encodeManifest(manifest), null).lane).toBe('t1:ref:main');
  });

  test('of a later version is E_REMOTE_UNFIT', () => {
    const later = changed((document) => (document['version'] = 2));
    expect(() => decodeManifest(later, manifest)).toThrow(expect.objectContaining({ code: 'E_REMOTE_UNFIT' }));
  });

  const changes: readonly Change[] = [
    ['no format', (document) => delete document['format']],
    ['no version', (document) => (document['version'] = '1')],
    ['an invalid namespace', (document) => (document['namespace'] = '../etc')],
    ['an invalid volume', (document) => (document['volume'] = 'a/b')],
    ['an invalid lane', (document) => (document['lane'] = 't9:ref:main')],
    ['a compat of numbers', (document) => (document['compat'] = { os: 1 })],
    ['a text that a terminal obeys', (document) => (first(document, 'runs')['workflow'] = '\u001B[2J')],
    ['layers that are no list', (document) => (document['layers'] = {})],
    ['a layer twice', (document) => (document['layers'] = [layer('a'), layer('a')])],
    ['an id with a slash', (document) => (first(document, 'layers')['id'] = `${hex('a', 62)}/.`)],
    ['an id in upper case', (document) => (first(document, 'layers')['id'] = hex('A'))],
    ['a layer without a run', (document) => (document['runs'] = [])],
    ['an invalid run', (document) => (first(document, 'runs')['id'] = 'run_1')],
    ['an unknown purpose', (document) => (first(document, 'runs')['purpose'] = 'mischief')],
    ['a size below nothing', (document) => (first(document, 'layers')['files'] = -1)],
    ['a size that is no number', (document) => (first(document, 'layers')['files'] = '1')],
    ['a size beyond all numbers', (document) => (first(document, 'layers')['files'] = 2 ** 60)],
    [
      'an index larger than any',
      (document) => (first(document, 'layers')['indexBytes'] = limits.incomingIndexBytes + 1),
    ],
    [
      'too many layers',
      (document) => (document['layers'] = Array.from({ length: limits.importedLayers + 1 }, () => 0)),
    ],
    ['a layer of no day', (document) => (first(document, 'layers')['sealedAtMs'] = Number.MAX_SAFE_INTEGER)],
    ['a run of no day', (document) => (first(document, 'runs')['startedAtMs'] = Number.MAX_SAFE_INTEGER)],
    ['a squash of no day', (document) => (first(document, 'squashes')['atMs'] = Number.MAX_SAFE_INTEGER)],
    ['a revocation of no day', (document) => (first(document, 'revoked')['atMs'] = Number.MAX_SAFE_INTEGER)],
    ['no list of removed layers', (document) => delete document['removed']],
    ['no list of squashes', (document) => delete document['squashes']],
    ['no list of revoked runs', (document) => delete document['revoked']],
    ['a squash without a list of layers', (document) => delete first(document, 'squashes')['layers']],
    ['a squash of itself', (document) => (first(document, 'squashes')['layers'] = [layer('b')])],
    ['a squash with an unknown run', (document) => (first(document, 'squashes')['layers'] = [foreign])],
    ['a run that is revoked and none', (document) => (first(document, 'revoked')['run'] = 'run_1')],
  ];
  test.each(changes)('with %s is refused', (_, change) => {
    expect(() => decodeManifest(changed(change), manifest)).toThrow(
      expect.objectContaining({ code: 'E_OBJECT_CORRUPT' }),
    );
  });

  test.each(['', '[]', 'null', '{', '\u00FF'])('%j is not a head', (text) => {
    expect(() => decodeManifest(encoder.encode(text), null)).toThrow(
      expect.objectContaining({ code: 'E_OBJECT_CORRUPT' }),
    );
  });
});
