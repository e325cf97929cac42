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

describe('a change that means nothing', () => {
  test('is the same line with a later time, appended or in its place', () => {
    const again = { ...tarball, time: 9 };
    expect(npmBucketDriver.same(version(tarball), version(tarball, again))).toBe(true);
    expect(npmBucketDriver.same(version(tarball), version(again))).toBe(true);
  });

  test('is a response that was found to be still good', () => {
    const revalidated = {
      ...packument,
      time: 9,
      metadata: { ...packument.metadata, time: 9, resHeaders: { date: 'Tue', etag: '"1"' } },
    };
    expect(npmBucketDriver.same(version(packument), version(packument, revalidated))).toBe(true);
  });

  test('is that npm left out lines that others had replaced', () => {
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
  test('is its new lines, without those that it only wrote again', () => {
    const other = { ...tarball, key: 'pacote:tarball:right@1.0.0' };
    expect(subtracted(version(tarball), version(tarball, { ...tarball, time: 9 }, other))).toBe(lines(other));
  });

  test('is the newest line of a name only', () => {
    const first = { ...packument, integrity: sri('two'), time: 6 };
    const second = { ...packument, integrity: sri('three'), time: 7 };
    expect(subtracted(version(packument), version(packument, first, second))).toBe(lines(second));
  });

  test('is the whole file where one of the two cannot be read', () => {
    expect(subtracted(versionOf(Buffer.from('what')), version(tarball))).toBe('whole');
    expect(subtracted(version(tarball), versionOf(Buffer.from('what')))).toBe('whole');
  });

  test('is, after a clean, the tombstone and what was fetched anew', () => {
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

  test('is new where it takes something back that was fetched after an older one', () => {
    const pinned = version(tombstone(4), packument);
    const mine = version(tombstone(4), packument, tombstone(8));
    expect(subtracted(pinned, mine)).toBe(lines(tombstone(8)));
    expect(contentOf([mine, pinned])).toBe(lines(tombstone(8)));
  });

  test('is no change where nothing was there to take back', () => {
    expect(npmBucketDriver.same(version(tombstone(4)), version(tombstone(4), tombstone(8)))).toBe(true);
    expect(subtracted(version(tombstone(4)), version(tombstone(8), other))).toBe(lines(other));
  });

  test('that npm left out, as it does when it looks something up, is no change', () => {
    expect(npmBucketDriver.same(version(tombstone(4), packument), version({ ...packument, time: 9 }))).toBe(true);
  });
});

describe('several versions', () => {
  test('make one canonical file, by key, one line for each name', () => {
    const right = { ...tarball, key: 'pacote:tarball:right@1.0.0' };
    const newer = { ...tarball, time: 9 };
    expect(contentOf([version(right, tarball), version(newer)])).toBe(lines(newer, right));
  });

  test('keep what responses to different accept headers there are, the newest last', () => {
    const full = {
      ...packument,
      time: 4,
      metadata: { ...packument.metadata, reqHeaders: { accept: 'application/json' } },
    };
    expect(contentOf([version(packument), version(full)])).toBe(lines(full, packument));
  });

  test('keep entries that only old lockfiles, by sha1, and only new ones can use', () => {
    const old = { ...tarball, integrity: sri('one', 'sha1'), time: 4 };
    expect(contentOf([version(tarball), version(old)])).toBe(lines(old, tarball));
  });

  test('are taken back by a newer tombstone, and not by an older one', () => {
    const tombstone = (time: number): BucketEntryFixture => ({ key: packument.key, integrity: null, time });
    expect(contentOf([version(packument), version(tombstone(9))])).toBe(lines(tombstone(9)));
    expect(contentOf([version(tombstone(4)), version(packument)])).toBe(lines(tombstone(4), packument));
  });

  test('what came after a tombstone in its file stays, though the clock was set back meanwhile', () => {
    const tombstone = { key: packument.key, integrity: null, time: 9 };
    const mine = version(packument, tombstone, packument);
    expect(contentOf([mine, version(packument)])).toBe(lines(tombstone, { ...packument, time: 9 }));
  });

  test('a redirect is no tombstone', () => {
    const redirect = { ...packument, integrity: null, time: 9, metadata: { ...packument.metadata, status: 301 } };
    expect(readBucket(Buffer.from(contentOf([version(packument), version(redirect)])))).toHaveLength(2);
  });

  test('a line from the future counts, and is written, as of when the store saw it', () => {
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

  test('where one is the answer already, it is picked', () => {
    const right = { ...tarball, key: 'pacote:tarball:right@1.0.0' };
    const composition: Composition = npmBucketDriver.compose([version(tarball), version(tarball, right)]);
    expect(composition).toEqual({ kind: 'pick', index: 1, opinion: true });
  });
});

describe('what npm does not read', () => {
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
  test('drops a line whose content is gone', () => {
    expect(closed(tarball, inView())).toBe('');
    expect(closed(tarball, inView(contentPath('one')))).toBe(null);
  });

  test('any content of the strongest algorithm will do, others are not looked for', () => {
    const several = { ...tarball, integrity: `${sri('one', 'sha1')} ${sri('one')} ${sri('two')}?opt` };
    expect(closed(several, inView(contentPath('two')))).toBe(null);
    expect(closed(several, inView(contentPath('one', 'sha1')))).toBe('');
  });

  test('keeps tombstones and redirects', () => {
    expect(closed({ ...tarball, integrity: null }, inView())).toBe(null);
    expect(closed({ ...tarball, integrity: null, metadata: { status: 308 } }, inView())).toBe(null);
  });

  test('drops what can have no content', () => {
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

describe('what may be stored', () => {
  test('is all of an ordinary bucket', () => {
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
