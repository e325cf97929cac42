import { schemaText } from '@cachelane/protocol';
import { buildSchema, print } from 'graphql';
import { expect, test } from 'vitest';
import { CheckedDocuments, RefusedDocument } from './checked-documents.ts';

const schema = buildSchema(schemaText);

function refusalOf(documents: CheckedDocuments, query: string): unknown {
  try {
    documents.of(schema, query);
  } catch (error) {
    return error;
  }
  return null;
}

test.each([
  ['does not fit the schema', '{ nothing }'],
  ['is not GraphQL', '{'],
  ['has too many tokens', `{ ${'a: nothing '.repeat(2000)} }`],
])('a document that %s is checked and refused only once', (_, query) => {
  const documents = new CheckedDocuments();
  const first = refusalOf(documents, query);
  expect(first).toBeInstanceOf(RefusedDocument);
  expect(refusalOf(documents, query)).toBe(first);
});

test('the kept refusal of a long document is short', () => {
  const refused = refusalOf(new CheckedDocuments(), `{ ${'x'.repeat(100_000)} }`) as RefusedDocument;
  expect(JSON.stringify(refused.errors).length).toBeLessThan(1000);
});

test('a long document is parsed each time, a short one only once', () => {
  const documents = new CheckedDocuments();
  const long = `{ ${Array.from({ length: 400 }, (_, index) => `a${index}: context { lane }`).join(' ')} }`;
  const [first, second] = [documents.of(schema, long), documents.of(schema, long)];
  // A deep comparison of two parsed documents would follow their token lists.
  expect([second === first, print(second) === print(first)]).toEqual([false, true]);
  const short = '{ context { lane } }';
  expect(documents.of(schema, short) === documents.of(schema, short)).toBe(true);
});
