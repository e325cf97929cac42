import { describe, expect, test } from 'vitest';
import { parseSeedDirectory } from './seed.ts';

describe('a directory to seed from', () => {
  test.each([
    ['/home/ann/.npm', '/home/ann/.npm'],
    ['/home/ann/.npm/', '/home/ann/.npm'],
    ['/a..b/...', '/a..b/...'],
    ['/ä b', '/ä b'],
  ])('%s is accepted', (text, expected) => expect(parseSeedDirectory(text)).toBe(expected));

  test.each([
    ['', 'is not absolute'],
    ['./seed', 'is not absolute'],
    ['~/.npm', 'is not absolute'],
    ['/', 'the root directory'],
    ['//', 'is not a plain path'],
    ['/a/../b', 'is not a plain path'],
    ['/a/..', 'is not a plain path'],
    ['/./a', 'is not a plain path'],
    ['/a//b', 'is not a plain path'],
    ['/a\0b', 'a NUL character'],
    [`/${'x'.repeat(4096)}`, 'over 4096 bytes'],
  ])('%j is refused', (text, why) => {
    expect(() => parseSeedDirectory(text)).toThrow(why);
    expect(() => parseSeedDirectory(text)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });
});
