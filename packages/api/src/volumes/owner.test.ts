import { describe, expect, test } from 'vitest';
import { parseVolumeOwner } from './owner.ts';

describe('an owner', () => {
  test.each(['0', '1000', '1000:1000', 'node', 'node:node', '1000:node', '_apt', '4294967294'])(
    '%s is an owner',
    (text) => expect(parseVolumeOwner(text)).toBe(text),
  );

  test.each(['', ':', '1000:', ':1000', '1:2:3', '-1', '01', '4294967295', 'a b', 'a/b', '-n', 'x'.repeat(33)])(
    '%j is not an owner',
    (text) => expect(() => parseVolumeOwner(text)).toThrow(expect.objectContaining({ code: 'E_USAGE' })),
  );
});
