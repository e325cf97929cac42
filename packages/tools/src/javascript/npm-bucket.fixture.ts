import { createHash } from 'node:crypto';
import type { BytePath } from '@cachelane/core';
import type { NamedContent } from '@cachelane/testkit';
import fc from 'fast-check';

/** An entry as npm's cacache writes it. */
export interface BucketEntryFixture {
  readonly key: string;
  readonly integrity: string | null;
  readonly time: number;
  readonly size?: number;
  readonly metadata?: {
    readonly time?: number;
    readonly url?: string;
    readonly status?: number;
    readonly reqHeaders?: Readonly<Record<string, string>>;
    readonly resHeaders?: Readonly<Record<string, string>>;
    readonly options?: { readonly compress: boolean };
  };
}

export function bucketLine(entry: BucketEntryFixture): string {
  const json = JSON.stringify(entry);
  return `\n${createHash('sha1').update(json).digest('hex')}\t${json}`;
}

export function bucketOf(...entries: readonly BucketEntryFixture[]): Uint8Array {
  return Buffer.from(entries.map(bucketLine).join(''));
}

export function sri(content: string, algorithm = 'sha512'): string {
  return `${algorithm}-${createHash(algorithm).update(content).digest('base64')}`;
}

export function contentPath(content: string, algorithm = 'sha512'): BytePath {
  const hex = createHash(algorithm).update(content).digest('hex');
  return `_cacache/content-v2/${algorithm}/${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex.slice(4)}` as BytePath;
}

/** A bucket as npm's lookup reads it (cacache, compact), in the order of the file. */
export function readBucket(content: Uint8Array): readonly BucketEntryFixture[] {
  const entries: BucketEntryFixture[] = [];
  for (const line of Buffer.from(content).toString('utf8').split('\n')) {
    const [sha1, json = ''] = line.split('\t');
    if (createHash('sha1').update(json).digest('hex') !== sha1) continue;
    const entry = JSON.parse(json) as BucketEntryFixture;
    const kept = entries.filter((other) => !replaces(entry, other));
    entries.splice(0, entries.length, ...kept, entry);
  }
  return entries;
}

function replaces(later: BucketEntryFixture, earlier: BucketEntryFixture): boolean {
  if (later.key !== earlier.key) return false;
  const isTombstone = later.integrity === null && later.metadata?.status === undefined;
  return isTombstone || variantOf(later) === variantOf(earlier);
}

function variantOf({ integrity, metadata }: BucketEntryFixture): string {
  const algorithm = ['sha512', 'sha1'].find((name) => integrity?.includes(`${name}-`));
  return JSON.stringify([algorithm, metadata?.reqHeaders?.['accept'], metadata?.options?.compress]);
}

/** Returns the contents that a bucket of {@link arbitraryBucket} names. */
export function namesInBucket(content: Uint8Array): readonly NamedContent[] {
  return readBucket(content).map(({ key, integrity }) => ({
    name: key,
    contents: integrity === null ? null : contentsOf(integrity),
  }));
}

const bodies = ['one', 'two', 'three'] as const;

function contentsOf(integrity: string): readonly BytePath[] {
  const sha512 = bodies.filter((body) => integrity.includes(sri(body)));
  const sha1 = bodies.filter((body) => integrity.includes(sri(body, 'sha1')));
  return sha512.length > 0 ? sha512.map((body) => contentPath(body)) : sha1.map((body) => contentPath(body, 'sha1'));
}

const arbitraryIntegrity = fc.oneof(
  { arbitrary: fc.constantFrom(...bodies).map((body) => sri(body)), weight: 6 },
  fc.constantFrom(sri('one', 'sha1'), `${sri('one')} ${sri('two')}`, `${sri('one', 'sha1')} ${sri('three')}`),
);

const arbitraryMetadata = fc.record({
  time: fc.integer({ min: 0, max: 20 }),
  url: fc.constant('http://localhost/left'),
  reqHeaders: fc.constantFrom({}, { accept: 'application/json' }, { accept: '*/*' }),
  resHeaders: fc.constantFrom({ date: 'Mon' }, { date: 'Tue' }, { etag: '"1"' }, { date: 'Wed', etag: '"2"' }),
  options: fc.constant({ compress: true }),
});

const key = fc.constantFrom('left', 'right');
/** Some are later than the seal. */
const time = fc.integer({ min: 0, max: 20 });

const arbitraryEntry: fc.Arbitrary<BucketEntryFixture> = fc.oneof(
  {
    arbitrary: fc.record({
      key,
      integrity: arbitraryIntegrity,
      time,
      size: fc.constant(3),
      metadata: arbitraryMetadata,
    }),
    weight: 6,
  },
  { arbitrary: fc.record({ key, integrity: arbitraryIntegrity, time, size: fc.constant(3) }), weight: 2 },
  { arbitrary: fc.record({ key, integrity: fc.constant(null), time }), weight: 1 },
  {
    arbitrary: fc.record({
      key,
      integrity: fc.constant(null),
      time,
      metadata: fc.record({
        status: fc.constant(301),
        resHeaders: fc.constantFrom({ location: '/a' }, { location: '/b' }),
      }),
    }),
    weight: 1,
  },
);

/** Lines that npm skips: truncated, of another writer, modified. */
const arbitraryBadLine = fc.constantFrom('\n', '\nnot a line', `\n${'0'.repeat(40)}\t{"key":"left"}`, '\nda39a3ee\t');

export const arbitraryBucket: fc.Arbitrary<Uint8Array> = fc
  .array(fc.oneof({ arbitrary: arbitraryEntry.map(bucketLine), weight: 9 }, arbitraryBadLine), { maxLength: 5 })
  .map((lines) => Buffer.from(lines.join('')))
  // A file of only unreadable lines is unreadable.
  .map((content) => (readBucket(content).length === 0 ? Buffer.alloc(0) : content));
