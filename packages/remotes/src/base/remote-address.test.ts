import { describe, expect, test } from 'vitest';
import { isCachelaneError } from '@cachelane/core';
import { formatRemoteAddress, parseRemoteAddress } from './remote-address.ts';

const s3 = { kind: 's3', bucket: 'my-bucket', prefix: '', endpoint: null, region: null };

describe('the address of a remote', () => {
  test.each([
    ['dir:/mnt/cache', { kind: 'dir', path: '/mnt/cache' }],
    ['dir:/mnt//cache/./x/', { kind: 'dir', path: '/mnt/cache/x' }],
    ['DIR:/mnt/my cache', { kind: 'dir', path: '/mnt/my cache' }],
    ['s3://my-bucket', s3],
    ['s3://my-bucket/', s3],
    ['s3://my-bucket/a/B_c/', { ...s3, prefix: 'a/B_c' }],
    ['s3://my-bucket/a?region=eu-central-1', { ...s3, prefix: 'a', region: 'eu-central-1' }],
    ['s3://my-bucket?endpoint=http://127.0.0.1:9000/', { ...s3, endpoint: 'http://127.0.0.1:9000' }],
    [
      's3://my-bucket?region=x&endpoint=https%3A%2F%2Fs3.example.com',
      { ...s3, region: 'x', endpoint: 'https://s3.example.com' },
    ],
    ['s3://my.bucket', { ...s3, bucket: 'my.bucket' }],
  ])('%s', (text, address) => {
    expect(parseRemoteAddress(text)).toEqual(address);
  });

  test.each([
    ['', 'is not a remote'],
    ['/mnt/cache', 'is not a remote'],
    ['https://example.com/cache', 'is not a remote'],
    ['dir:cache', 'absolute'],
    ['dir:', 'absolute'],
    ['dir:///mnt/cache', 'absolute'],
    ['dir:/mnt/../etc', 'without ..'],
    ['s3:my-bucket', 'names no bucket'],
    ['s3://', 'names no bucket'],
    ['s3://My_Bucket', 'not a bucket name'],
    ['s3://my-bucket:9000/a', 'does not contain the server'],
    ['s3://my-bucket/a//b', 'prefix'],
    ['s3://my-bucket/a%20b', 'prefix'],
    ['s3://my-bucket/a#b', 'no #'],
    ['s3://my-bucket?endpiont=http://x', 'no setting endpiont'],
    ['s3://my-bucket?region=a&region=b', 'twice'],
    ['s3://my-bucket?region=a/b', 'the region of the s3:// address is not valid'],
    ['s3://my-bucket?endpoint=127.0.0.1:9000', 'not a URL'],
    ['s3://my-bucket?endpoint=ftp://x', 'http://'],
    ['s3://my-bucket?endpoint=http://x/?a=b', 'must not contain ? or #'],
  ])('%s is refused', (text, why) => {
    expect(() => parseRemoteAddress(text)).toThrow(why);
  });

  test.each([
    's3://AKIA123:hunter2@my-bucket/a',
    's3://hunter2@my-bucket/a',
    's3://my-bucket?endpoint=http://user:hunter2@host',
    's3://my-bucket?endpoint=http://hunter2@host',
    's3://my-bucket?hunter=1&secret=hunter2',
    'https://user:hunter2@example.com/x?token=hunter2',
    's3://my-bucket?hunter2',
    's3://my-bucket/a?endpoint=hunter2',
    's3://my-bucket/a?region=hunter2/',
  ])('an error repeats no secret of %s', (text) => {
    const thrown = (() => {
      try {
        return parseRemoteAddress(text);
      } catch (error) {
        return error;
      }
    })();
    if (!isCachelaneError(thrown, 'E_CONFIG')) throw new Error('it was not refused');
    expect(`${thrown.message} ${thrown.hint}`).not.toContain('hunter2');
  });

  test.each([
    ['dir:/mnt//cache/', 'dir:/mnt/cache'],
    ['s3://my-bucket/a/', 's3://my-bucket/a'],
    [
      's3://my-bucket?region=x&endpoint=https%3A%2F%2Fs3.example.com',
      's3://my-bucket?endpoint=https://s3.example.com&region=x',
    ],
    ['s3://my-bucket?endpoint=http://x/a%2526b%26c%2Bd', 's3://my-bucket?endpoint=http://x/a%2526b%26c%2Bd'],
  ])('%s has one canonical spelling with the same meaning', (text, spelling) => {
    const address = parseRemoteAddress(text);
    expect(formatRemoteAddress(address)).toBe(spelling);
    expect(parseRemoteAddress(spelling)).toEqual(address);
  });
});
