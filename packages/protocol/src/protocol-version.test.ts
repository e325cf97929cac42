import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the pinned hash is that of the schema', () => {
  // If older clients might fail, increase the version. Update the hash after any change.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    '4bf2777ebd8ef9da424118acfbb23431c8c9fd96fc0d2f10d10e7e3e2f31d4da',
  ]);
});
