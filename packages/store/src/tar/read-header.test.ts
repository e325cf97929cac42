import { expect, test } from 'vitest';
import { parseRecords } from './read-header.ts';

test('only the records that the reader uses are kept', () => {
  const body = Buffer.from('9 path=a\n20 GNU.sparse.map=0\n21 GNU.sparse.name=b\n14 key00001=v\n14 key00002=v\n');
  expect([...(parseRecords(body) ?? [])]).toEqual([
    ['path', 'a'],
    ['GNU.sparse.', ''],
  ]);
  expect(parseRecords(Buffer.from('9 path'))).toBeNull();
});
