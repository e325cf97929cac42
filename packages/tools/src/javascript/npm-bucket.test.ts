import { createHash } from 'node:crypto';
import { type BytePath, type Composition, type Version } from '@cachelane/core';
import {
  arbitraryVersionOf,
  composedVersion,
  mergeDriverConformance,
  namingDriverConformance,
  versionOf,
} from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import {
  arbitraryBucket,
  bucketLine,
  bucketOf,
  contentPath,
  namesInBucket,
  readBucket,
  sri,
  type BucketEntryFixture,
} from './npm-bucket.fixture.ts';
import { npmBucketDriver } from './npm-bucket.ts';

const path = '_cacache/index-v5/00/95/1d15' as BytePath;

mergeDriverConformance('npm buckets', npmBucketDriver, arbitraryVersionOf(arbitraryBucket));
namingDriverConformance('npm buckets', {
  driver: npmBucketDriver,
  arbitraryContent: arbitraryBucket,
  path,
  names: namesInBucket,
});

const late = { sealedAtMs: 1000 };
const tarball: BucketEntryFixture = { key: 'pacote:tarball:left@1.0.0', integrity: sri('one'), time: 5, size: 3 };
const packument: BucketEntryFixture = {
  key: 'make-fetch-happen:request-cache:http://localhost/left',
  integrity: sri('one'),
  time: 5,
  size: 3,
  metadata: {
    time: 5,
    url: 'http://localhost/left',
    reqHeaders: { accept: 'application/vnd.npm.install-v1+json' },
    resHeaders: { date: 'Mon', etag: '"1"' },
    options: { compress: true },
  },
};

function version(...entries: readonly BucketEntryFixture[]): Version {
  return versionOf(bucketOf(...entries), late);
}

function contentOf(versions: readonly Version[]): string {
  return text(composedVersion(versions, npmBucketDriver.compose(versions)).content());
}

function text(content: Uint8Array): string {
  return Buffer.from(content).toString('utf8');
}

function lines(...entries: readonly BucketEntryFixture[]): string {
  return entries.map(bucketLine).join('');
}

function subtracted(pinned: Version, mine: Version): string {
  const subtraction = npmBucketDriver.subtract(pinned, mine);
  return subtraction.form === 'delta' ? text(subtraction.content) : 'whole';
}

describe('npm changes that are no change', () => {
  test('the same line with a later time, appended or replaced', () => {
    const again = { ...tarball, time: 9 };
    expect(npmBucketDriver.same(version(tarball), version(tarball, again))).toBe(true);
    expect(npmBucketDriver.same(version(tarball), version(again))).toBe(true);
  });

  test('a revalidated response', () => {
    const revalidated = {
      ...packument,
      time: 9,
      metadata: { ...packument.metadata, time: 9, resHeaders: { date: 'Tue', etag: '"1"' } },
    };
    expect(npmBucketDriver.same(version(packument), version(packument, revalidated))).toBe(true);
  });

  test('npm dropped replaced lines', () => {
    expect(npmBucketDriver.same(version(tarball, { ...tarball, time: 9 }), version({ ...tarball, time: 9 }))).toBe(
      true,
    );
  });

  test.each([
    ['other content', { integrity: sri('two') }],
    ['another size', { size: 4 }],
    [
      'another ETag, which the next request needs',
      { metadata: { ...packument.metadata, resHeaders: { etag: '"2"' } } },
    ],
    ['another address', { metadata: { ...packument.metadata, url: 'http://localhost/right' } }],
    ['the response to another accept header', { metadata: { ...packument.metadata, reqHeaders: { accept: '*/*' } } }],
    ['another key', { key: 'right' }],
  ])('is not %s', (_, change) => {
    expect(npmBucketDriver.same(version(packument), version(packument, { ...packument, ...change }))).toBe(false);
  });
});

describe('what a run added', () => {
  test('its new lines, without rewritten ones', () => {
    const other = { ...tarball, key: 'pacote:tarball:right@1.0.0' };
    expect(subtracted(version(tarball), version(tarball, { ...tarball, time: 9 }, other))).toBe(lines(other));
  });

  test('only the newest line of a name', () => {
    const first = { ...packument, integrity: sri('two'), time: 6 };
    const second = { ...packument, integrity: sri('three'), time: 7 };
    expect(subtracted(version(packument), version(packument, first, second))).toBe(lines(second));
  });

  test('the whole file if either is unreadable', () => {
    expect(subtracted(versionOf(Buffer.from('what')), version(tarball))).toBe('whole');
    expect(subtracted(version(tarball), versionOf(Buffer.from('what')))).toBe('whole');
  });

  test('after a clean, the tombstone and the lines fetched since', () => {
    const tombstone = { key: packument.key, integrity: null, time: 7 };
    const again = { ...packument, time: 8 };
    const mine = version(packument, tombstone, again);
    expect(subtracted(version(packument), mine)).toBe(lines(tombstone, again));
    expect(contentOf([mine, version(packument)])).toBe(lines(tombstone, again));
  });
});

describe('a tombstone', () => {
  const other = { ...packument, time: 9, metadata: { ...packument.metadata, reqHeaders: { accept: '*/*' } } };
  const tombstone = (time: number): BucketEntryFixture => ({ key: packument.key, integrity: null, time });

  test('is new if it removes a line that is later than an older tombstone', () => {
    const pinned = version(tombstone(4), packument);
    const mine = version(tombstone(4), packument, tombstone(8));
    expect(subtracted(pinned, mine)).toBe(lines(tombstone(8)));
    expect(contentOf([mine, pinned])).toBe(lines(tombstone(8)));
  });

  test('is no change if there is nothing to remove', () => {
    expect(npmBucketDriver.same(version(tombstone(4)), version(tombstone(4), tombstone(8)))).toBe(true);
    expect(subtracted(version(tombstone(4)), version(tombstone(8), other))).toBe(lines(other));
  });

  test('is no change if npm dropped it on a lookup', () => {
    expect(npmBucketDriver.same(version(tombstone(4), packument), version({ ...packument, time: 9 }))).toBe(true);
  });
});

describe('several versions', () => {
  test('make one canonical file sorted by key, with one line for each name', () => {
    const right = { ...tarball, key: 'pacote:tarball:right@1.0.0' };
    const newer = { ...tarball, time: 9 };
    expect(contentOf([version(right, tarball), version(newer)])).toBe(lines(newer, right));
  });

  test('keep responses to different accept headers, newest last', () => {
    const full = {
      ...packument,
      time: 4,
      metadata: { ...packument.metadata, reqHeaders: { accept: 'application/json' } },
    };
    expect(contentOf([version(packument), version(full)])).toBe(lines(full, packument));
  });

  test('keep both sha1 entries of old lockfiles and newer entries', () => {
    const old = { ...tarball, integrity: sri('one', 'sha1'), time: 4 };
    expect(contentOf([version(tarball), version(old)])).toBe(lines(old, tarball));
  });

  test('are removed by a newer tombstone, not by an older one', () => {
    const tombstone = (time: number): BucketEntryFixture => ({ key: packument.key, integrity: null, time });
    expect(contentOf([version(packument), version(tombstone(9))])).toBe(lines(tombstone(9)));
    expect(contentOf([version(tombstone(4)), version(packument)])).toBe(lines(tombstone(4), packument));
  });

  test('a line after a tombstone stays even if the clock was set back', () => {
    const tombstone = { key: packument.key, integrity: null, time: 9 };
    const mine = version(packument, tombstone, packument);
    expect(contentOf([mine, version(packument)])).toBe(lines(tombstone, { ...packument, time: 9 }));
  });

  test('a redirect is no tombstone', () => {
    const redirect = { ...packument, integrity: null, time: 9, metadata: { ...packument.metadata, status: 301 } };
    expect(readBucket(Buffer.from(contentOf([version(packument), version(redirect)])))).toHaveLength(2);
  });

  test('a line from the future gets the time of its seal', () => {
    const future = {
      ...packument,
      integrity: sri('two'),
      time: 4_000_000,
      metadata: { ...packument.metadata, time: 4_000_000 },
    };
    const early = versionOf(bucketOf(future), { sealedAtMs: 7 });
    const clamped = { ...future, time: 7, metadata: { ...future.metadata, time: 7 } };
    expect(contentOf([early, version(packument)])).toBe(lines(clamped));
    const later = { ...packument, time: 8 };
    expect(contentOf([early, version(later)])).toBe(lines(later));
  });

  test('a version that equals the answer is picked', () => {
    const right = { ...tarball, key: 'pacote:tarball:right@1.0.0' };
    const composition: Composition = npmBucketDriver.compose([version(tarball), version(tarball, right)]);
    expect(composition).toEqual({ kind: 'pick', index: 1, opinion: true });
  });
});

describe('invalid lines', () => {
  test.each([
    ['a wrong sha1', `\n${'0'.repeat(40)}\t{"key":"left","integrity":null}`],
    ['no JSON', `\n${sha1('{')}\t{`],
    ['no key', `\n${sha1('{}')}\t{}`],
    ['a number as integrity', bucketLine({ key: 'left', integrity: 5 as never, time: 1 })],
    ['null', `\n${sha1('null')}\tnull`],
  ])('%s is skipped', (_, bad) => {
    const mixed = versionOf(Buffer.from(`${bad}${lines(tarball)}`), late);
    expect(contentOf([mixed, version({ ...tarball, time: 4 })])).toBe(lines(tarball));
    expect(npmBucketDriver.compose([versionOf(Buffer.from(bad)), versionOf(Buffer.from('x'))])).toMatchObject({
      opinion: false,
    });
  });

  test.each([[5], ['text'], [null], [{ reqHeaders: 'x', resHeaders: null, options: 3, time: 'now' }]])(
    'metadata may be %j',
    (metadata) => {
      const odd = { ...tarball, time: 2000, metadata } as never;
      expect(() => npmBucketDriver.compose([version(odd), version(tarball)])).not.toThrow();
    },
  );
});

describe('closing', () => {
  test('drops a line with missing content', () => {
    expect(closed(tarball, inView())).toBe('');
    expect(closed(tarball, inView(contentPath('one')))).toBe(null);
  });

  test('keeps a line with any content of the strongest algorithm', () => {
    const several = { ...tarball, integrity: `${sri('one', 'sha1')} ${sri('one')} ${sri('two')}?opt` };
    expect(closed(several, inView(contentPath('two')))).toBe(null);
    expect(closed(several, inView(contentPath('one', 'sha1')))).toBe('');
  });

  test('keeps tombstones and redirects', () => {
    expect(closed({ ...tarball, integrity: null }, inView())).toBe(null);
    expect(closed({ ...tarball, integrity: null, metadata: { status: 308 } }, inView())).toBe(null);
  });

  test('drops a line without a valid integrity', () => {
    expect(closed({ ...tarball, integrity: 'sha512-!!' }, () => true)).toBe('');
    expect(closed({ ...tarball, integrity: 'nothing' }, () => true)).toBe('');
  });
});

function inView(...paths: readonly BytePath[]): (path: BytePath) => boolean {
  const present = new Set(paths);
  return (at) => present.has(at);
}

function closed(entry: BucketEntryFixture, has: (path: BytePath) => boolean): string | null {
  const content = npmBucketDriver.close?.(version(entry), path, has) ?? null;
  return content === null ? null : text(content);
}

function sha1(content: string): string {
  return createHash('sha1').update(content).digest('hex');
}

const line = (name: string, metadata: BucketEntryFixture['metadata'] = {}): BucketEntryFixture => ({
  key: `make-fetch-happen:request-cache:https://registry.example/${name}`,
  integrity: sri(name),
  time: 1,
  size: name.length,
  metadata: { url: `https://registry.example/${name}`, ...metadata },
});

describe('cleaning', () => {
  test('changes nothing in an ordinary bucket', () => {
    const bucket = bucketOf(line('@scope/a', { reqHeaders: { accept: '*/*' } }), line('b@1.0.0'));
    expect(npmBucketDriver.clean?.(versionOf(bucket))).toBeNull();
  });

  test.each([
    ['a request header with a token', line('x', { reqHeaders: { Authorization: 'Bearer s3cret' } })],
    ['a cookie', line('x', { reqHeaders: { cookie: 'session=s3cret' } })],
    ['an address with a password', line('x', { url: 'https://ann:s3cret@registry.example/x' })],
    [
      'a key with a password',
      { ...line('x'), key: 'make-fetch-happen:request-cache:https://s3cret@registry.example/x' },
    ],
  ])('is not %s', (_, secret) => {
    const left = npmBucketDriver.clean?.(versionOf(bucketOf(line('a'), secret, line('b'))));
    const text = Buffer.from(left ?? []).toString();
    expect(text).not.toContain('s3cret');
    expect(readBucket(left ?? new Uint8Array()).map(({ key }) => key)).toEqual([line('a').key, line('b').key]);
  });
});
