import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the schema is that of this protocol version', () => {
  // Changed on purpose? Where a client of the version before might fail, the version grows; either way the hash is the new one.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    'daae1a903c61e7cfbfb409303d32ec3165206ff180104056b0d4d690902324c0',
  ]);
});
