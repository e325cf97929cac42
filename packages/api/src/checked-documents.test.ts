import { schemaText } from '@cachelane/protocol';
import { buildSchema, print } from 'graphql';
import { expect, test } from 'vitest';
import { CheckedDocuments, RefusedDocument } from './checked-documents.ts';

const schema = buildSchema(schemaText);

function counting(): { readonly documents: CheckedDocuments; readonly told: string[] } {
  const told: string[] = [];
  const documents = new CheckedDocuments(({ message }) => {
    told.push(message);
    return { message, extensions: { code: 'E_USAGE', retryable: false } };
  });
  return { documents, told };
}

function refusalOf(documents: CheckedDocuments, query: string): unknown {
  try {
    documents.of(schema, query);
  } catch (error) {
    return error;
  }
  return null;
}

test.each([
  ['of no schema', '{ nothing }'],
  ['of no grammar', '{'],
  ['of many words', `{ ${'a: nothing '.repeat(2000)} }`],
])('a document %s is refused, and looked at once', (_, query) => {
  const { documents, told } = counting();
  const first = refusalOf(documents, query);
  const looks = told.length;
  expect(first).toBeInstanceOf(RefusedDocument);
  expect(looks).toBeGreaterThan(0);
  expect(refusalOf(documents, query)).toBe(first);
  expect(told).toHaveLength(looks);
});

test('what is kept of a refused document is small, however long its words are', () => {
  const { documents } = counting();
  const refused = refusalOf(documents, `{ ${'x'.repeat(100_000)} }`) as RefusedDocument;
  expect(JSON.stringify(refused.errors).length).toBeLessThan(1000);
});

test('a long document that fits is not kept, but for that it fits', () => {
  const { documents } = counting();
  const long = `{ ${Array.from({ length: 400 }, (_, index) => `a${index}: context { lane }`).join(' ')} }`;
  const [first, second] = [documents.of(schema, long), documents.of(schema, long)];
  // Trees that hold on to each other's words are not compared by what is in them.
  expect([second === first, print(second) === print(first)]).toEqual([false, true]);
  const short = '{ context { lane } }';
  expect(documents.of(schema, short) === documents.of(schema, short)).toBe(true);
});
