import { decodeManifest, encodeManifest, limits, type HeadManifest, type RunId } from '@cachelane/core';
import fc from 'fast-check';
import { requireThat, type FuzzTarget, type Piece, type TargetOptions } from './fuzz-target.fixture.ts';

type Decode = (bytes: Uint8Array) => HeadManifest;

const hexText = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const count = fc.oneof(fc.nat(1000), fc.constantFrom(0, Number.MAX_SAFE_INTEGER));
const time = fc.oneof(fc.nat(1000), fc.constantFrom(0, 1_795_531_145_000, limits.timeSecondsMax * 1000));
const note = fc.option(fc.constantFrom('c0ffee', '', 'Build & test, grün'));
const lane = fc.constantFrom('t1:ref:main', 't1:local', 't1:pr:7');

const arbitraryRun = fc.record({
  id: hexText(32).map((hex) => `run_${hex}`),
  lane,
  startedAtMs: time,
  revision: note,
  workflow: note,
  purpose: fc.constantFrom('run', 'prune'),
});

const arbitraryLayer = (runs: readonly RunId[]) =>
  fc.record({
    id: hexText(64),
    run: fc.constantFrom(...runs),
    counts: fc.record({ added: count, changed: count, removed: count, sizeBytes: count }),
    files: count,
    sealedAtMs: time,
    indexBytes: fc.nat(1000),
    data: fc.record({ sizeBytes: count, digest: hexText(64) }),
  });

const arbitraryManifest: fc.Arbitrary<HeadManifest> = fc
  .uniqueArray(arbitraryRun, { minLength: 1, maxLength: 4, selector: ({ id }) => id })
  .chain((runs) => {
    const layer = arbitraryLayer(runs.map(({ id }) => id as RunId));
    const layers = fc.uniqueArray(layer, { maxLength: 4, selector: ({ id }) => id });
    return fc.record({
      namespace: fc.constantFrom('github.com/acme/web', 'gitlab.example.com/a/b'),
      volume: fc.constantFrom('npm', 'go-build'),
      compat: fc.constantFrom({}, { os: 'linux', arch: 'x64' }),
      lane,
      tool: fc.constantFrom('npm', 'unknown'),
      layers,
      runs: fc.constant(runs),
      squashes: fc.array(fc.record({ id: hexText(64), atMs: time, layers }), { maxLength: 2 }),
      revoked: fc.array(
        fc.record({ run: hexText(32).map((hex) => `run_${hex}`), atMs: time, by: fc.constant('ann') }),
        {
          maxLength: 2,
        },
      ),
      removed: fc.array(hexText(64), { maxLength: 3 }),
    });
  })
  .map((manifest) => manifest as unknown as HeadManifest);

/** Tests the decoder of a remote head's manifest. */
export function manifestTarget(
  { seed }: Pick<TargetOptions, 'seed'>,
  decode: Decode = (bytes) => decodeManifest(bytes, null),
): FuzzTarget<HeadManifest> {
  return {
    refusals: ['E_OBJECT_CORRUPT', 'E_REMOTE_UNFIT'],
    bases: fc
      .sample(arbitraryManifest, { seed, numRuns: 40 })
      .map((manifest) => Buffer.from(encodeManifest(manifest)))
      .toSorted((a, b) => a.length - b.length),
    pieces: jsonPieces,
    mend: () => {},
    accept: async (input) => await Promise.resolve(decode(input)),
    async hold(_, manifest) {
      await Promise.resolve();
      const { runs, squashes, revoked } = manifest;
      const layers = [...manifest.layers, ...squashes.flatMap((squash) => squash.layers)];
      requireThat(new Set(layers.map(({ id }) => id)).size === layers.length, 'a layer appears twice');
      const times = [
        ...layers.map(({ sealedAtMs }) => sealedAtMs),
        ...runs.map(({ startedAtMs }) => startedAtMs),
        ...[...squashes, ...revoked].map(({ atMs }) => atMs),
      ];
      requireThat(
        times.every((timeMs) => !Number.isNaN(new Date(timeMs).getTime())),
        'an accepted time is not a valid date',
      );
      const known = new Set(runs.map(({ id }) => id));
      requireThat(
        layers.every(({ run }) => known.has(run)),
        'a layer has no run',
      );
      for (const text of textsIn(manifest))
        requireThat(isPlain(text), 'an accepted text is too long or has control characters');
      const once = encodeManifest(manifest);
      const again = encodeManifest(decode(once));
      requireThat(Buffer.from(once).equals(again), 'a manifest changes when it is decoded and encoded again');
    },
    after: () => {},
    close: () => {},
  };
}

function isPlain(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- this matches control characters
  return text.length <= 1024 && !/[\x00-\x1f\x7f-\x9f]/.test(text);
}

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const [name, each] of Object.entries(value)) {
      yield name;
      yield* textsIn(each);
    }
}

/** Returns texts, numbers and words, and whole objects and lists. For invalid JSON, whatever looks like them. */
function jsonPieces(input: Buffer): readonly Piece[] {
  const text = input.toString('latin1');
  const pieces: Piece[] = [];
  const open: number[] = [];
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]|[^\s{}[\]",:]+/g)) {
    if (token === '{' || token === '[') open.push(index);
    else if (token === '}' || token === ']') {
      const at = open.pop();
      if (at !== undefined) pieces.push({ kind: 'json', at, bytes: index + 1 - at });
    } else pieces.push({ kind: 'json', at: index, bytes: token.length });
    if (pieces.length > 2000) break;
  }
  return pieces;
}
