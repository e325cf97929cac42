import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the schema is that of this protocol version', () => {
  // Changed on purpose? Where a client of the version before might fail, the version grows; either way the hash is the new one.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    'f7ae5f55e5340e81cc24f2d71290296f6a527ffbc0fb05a6f5e3cba28f3e8562',
  ]);
});
