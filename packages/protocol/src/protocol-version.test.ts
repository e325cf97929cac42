import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the schema is that of this protocol version', () => {
  // Changed on purpose? Where a client of the version before might fail, the version grows; either way the hash is the new one.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    'c16cfc12d1f4f2d04f5aa52bbcaca85f4dc654d78c1d8eb9eccfe947a9de1d3e',
  ]);
});
