import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the schema is that of this protocol version', () => {
  // Changed on purpose? Where a client of the version before might fail, the version grows; either way the hash is the new one.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    '6b7954b8c39d9c98042aaf2f08bf964ccc7899ae6d35a33c34eb4c805dfac6b0',
  ]);
});
