import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the schema is that of this protocol version', () => {
  // Changed on purpose? Where a client of the version before might fail, the version grows; either way the hash is the new one.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    '6719723d4de171f082e1023a2beb7d8c9dedd3d4780e132fbe2fb56fe19e1213',
  ]);
});
