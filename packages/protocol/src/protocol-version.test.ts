import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the schema is that of this protocol version', () => {
  // Changed on purpose? Where a client of the version before might fail, the version grows; either way the hash is the new one.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    '4a954dcd3406ef0283a6ea9e343ea2eb22ed2153fe9ca9b2e80f914f80d1aba3',
  ]);
});
