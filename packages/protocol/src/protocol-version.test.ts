import { expect, test } from 'vitest';
import { protocolVersion, schemaHash } from './protocol-version.ts';

test('the pinned hash is that of the schema', () => {
  // If older clients might fail, increase the version. Update the hash after any change.
  expect([protocolVersion, schemaHash()]).toEqual([
    1,
    '154926022bcf67aba276e13ab79764b4b041e562a1f771717e61ed9b6cad81c8',
  ]);
});
