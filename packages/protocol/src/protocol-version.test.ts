import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the schema is that of this protocol version', () => {
  // Changed on purpose? Where a client of the version before might fail, the version grows; either way the hash is the new one.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    '1f4957e1e6f6343dbcb07bf8d3fff69e306fd0ce89b62efe0a126b5238cb9d48',
  ]);
});
