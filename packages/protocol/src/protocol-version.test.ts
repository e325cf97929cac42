import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the schema is that of this protocol version', () => {
  // Changed on purpose? Where a client of the version before might fail, the version grows; either way the hash is the new one.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    '2f460114747497dbd71a138bd5f56784b980c053977bbdb691b0cbf4d7cf56a0',
  ]);
});
