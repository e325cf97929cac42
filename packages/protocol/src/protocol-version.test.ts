import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the pinned hash is that of the schema', () => {
  // If older clients might fail, increase the version. Update the hash after any change.
  expect([protocolVersion, schemaHash()]).toEqual([1, '']);
});
