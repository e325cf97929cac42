import { describe, expect, test } from 'vitest';
import { parseVolumeOwner } from './owner.ts';
import { parseSeedDirectory } from './seed.ts';

describe('a directory to seed from', () => {
  test.each([
    ['/home/ann/.npm', '/home/ann/.npm'],
    ['/home/ann/.npm/', '/home/ann/.npm'],
    ['/a..b/...', '/a..b/...'],
    ['/ä b', '/ä b'],
  ])('%s is one', (text, expected) => expect(parseSeedDirectory(text)).toBe(expected));

  test.each([
    ['', 'is not absolute'],
    ['./seed', 'is not absolute'],
    ['~/.npm', 'is not absolute'],
    ['/', 'all of the machine'],
    ['//', 'does not lead straight'],
    ['/a/../b', 'does not lead straight'],
    ['/a/..', 'does not lead straight'],
    ['/./a', 'does not lead straight'],
    ['/a//b', 'does not lead straight'],
    ['/a\0b', 'a character that no path has'],
    [`/${'x'.repeat(4096)}`, 'over 4096 bytes'],
  ])('%j is none', (text, why) => {
    expect(() => parseSeedDirectory(text)).toThrow(why);
    expect(() => parseSeedDirectory(text)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });
});

describe('an owner', () => {
  test.each(['0', '1000', '1000:1000', 'node', 'node:node', '1000:node', '_apt', '4294967294'])('%s is one', (text) =>
    expect(parseVolumeOwner(text)).toBe(text),
  );

  test.each(['', ':', '1000:', ':1000', '1:2:3', '-1', '01', '4294967295', 'a b', 'a/b', '-n', 'x'.repeat(33)])(
    '%j is none',
    (text) => expect(() => parseVolumeOwner(text)).toThrow(expect.objectContaining({ code: 'E_USAGE' })),
  );
});
