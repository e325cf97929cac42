import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the schema is that of this protocol version', () => {
  // Changed on purpose? Where a client of the version before might fail, the version grows; either way the hash is the new one.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    'e8ccd35c43815d4f602acaa3e5e23ed3275e0c196207d2d9625c9586414e00ba',
  ]);
});
