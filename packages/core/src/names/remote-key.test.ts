import { describe, expect, test } from 'vitest';
import { limits } from '../base/limits.ts';
import { isRemoteKey, newAttempt, parseRemoteKey } from './remote-key.ts';

describe('keys of a remote', () => {
  test.each(['a', 'layers/ab/ab01.tar.zst', 'v_1/x-y.z', '0', 'a'.repeat(limits.remoteKeySegmentBytes)])(
    '%s',
    (text) => {
      expect(parseRemoteKey(text)).toBe(text);
    },
  );

  test.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/../b',
    '.hidden',
    'A',
    'ä',
    'a b',
    'a:b',
    'a@',
    '-a',
    'a\n',
    'a\\b',
  ])('%j is not a key', (text) => {
    expect(isRemoteKey(text)).toBe(false);
    expect(() => parseRemoteKey(text)).toThrow('not a key');
  });

  test('have a maximum length', () => {
    expect(isRemoteKey('a'.repeat(limits.remoteKeySegmentBytes + 1))).toBe(false);
    expect(isRemoteKey('ab/'.repeat(200) + 'a')).toBe(false);
  });

  test('an attempt is 32 hex characters from 16 bytes', () => {
    expect(newAttempt(Uint8Array.from({ length: 16 }, (_, index) => index))).toBe('000102030405060708090a0b0c0d0e0f');
    expect(() => newAttempt(new Uint8Array(8))).toThrow('16');
  });
});
