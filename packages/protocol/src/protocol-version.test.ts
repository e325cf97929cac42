import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the schema is that of this protocol version', () => {
  // Changed on purpose? Where a client of the version before might fail, the version grows; either way the hash is the new one.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    'c959576e086f35587600a229d9a7de5c44cb7a8d1bb9459deb6e47cf95aad99f',
  ]);
});
