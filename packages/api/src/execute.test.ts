import { schemaText } from '@cachelane/protocol';
import { buildSchema, introspectionFromSchema, isInterfaceType, isObjectType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { queryLimits } from './query-limits.ts';
import { testWorld } from './test-world.fixture.ts';

const refusal = async (
  query: string,
  variables = {},
): Promise<{ readonly code: string; readonly message: string } | null> => {
  await using on = testWorld();
  const { errors } = await on.ask(query, { variables });
  const [first] = errors ?? [];
  return first === undefined ? null : { code: first.extensions.code, message: first.message };
};

function nested(depth: number): string {
  const inside = '{ volume '.repeat(depth);
  return `{ cacheVolume(key: "npm") { head ${inside} { key } ${'}'.repeat(depth)} } }`.replaceAll(
    'volume { volume',
    'volume { head { volume',
  );
}

describe('a document', () => {
  test.each([
    ['that is none', '{ cacheVolume(', 'E_USAGE', /Syntax Error/],
    ['with a field that we do not have', '{ container { id } }', 'E_USAGE', /container/],
    ['with a value of another type', '{ cacheVolume(key: 1) { id } }', 'E_USAGE', /String/],
    ['without an operation', 'fragment F on Query { context { lane } }', 'E_USAGE', /./],
    ['with two operations', 'query A { context { lane } } query B { context { lane } }', 'E_USAGE', /2 operations/],
    ['with a subscription', 'subscription { events { type } }', 'E_USAGE', /stream/],
    ['of too many words', `{ ${'a: context { lane } '.repeat(queryLimits.tokens / 5)} }`, 'E_USAGE', /tokens/],
  ])('%s is refused', async (_, query, code, message) => {
    const found = await refusal(query);
    expect(found?.code).toBe(code);
    expect(found?.message).toMatch(message);
  });

  test('that is too deep is refused by the name of the limit', async () => {
    const deep = `{ cacheVolume(key: "npm") { head { ${'volume { head { '.repeat(12)} generation ${'} }'.repeat(12)} } } }`;
    expect(await refusal(deep)).toEqual({
      code: 'E_LIMIT',
      message: expect.stringMatching(/27 fields deep, at most 20/),
    });
    const shallow = `{ cacheVolume(key: "npm") { head { ${'volume { head { '.repeat(8)} generation ${'} }'.repeat(8)} } } }`;
    expect(await refusal(shallow)).toBeNull();
  });

  test('that may come to too much is refused, also where variables and fragments say so', async () => {
    const pages =
      'query ($first: Int!) { namespaces(first: $first) { nodes { volumes(first: $first) { nodes { heads { entries(first: 100) { nodes { path } } } } } } } }';
    expect(await refusal(pages, { first: 1 })).toBeNull();
    expect(await refusal(pages, { first: 1000 })).toMatchObject({
      code: 'E_LIMIT',
      message: expect.stringContaining('at most 1000000'),
    });
    const doubled = Array.from({ length: 30 }, (_, index) =>
      `fragment F${index} on Query { a: ...F${index + 1} b: ...F${index + 1} }`.replaceAll(/[ab]: /g, ''),
    ).join(' ');
    expect(await refusal(`{ ...F0 } ${doubled} fragment F30 on Query { context { lane } }`)).toMatchObject({
      code: 'E_LIMIT',
    });
  });

  test('of a client that asks for the schema is answered', async () => {
    await using on = testWorld();
    const { getIntrospectionQuery } = await import('graphql');
    const data = await on.data(getIntrospectionQuery({ descriptions: true }));
    const expected = introspectionFromSchema(buildSchema(schemaText), { descriptions: true });
    expect(data).toEqual(JSON.parse(JSON.stringify({ __schema: expected.__schema })));
  });
});

describe('the schema', () => {
  test('describes every type and field that does not say all by its name', () => {
    const schema = buildSchema(schemaText);
    const plain = new Set([
      'key',
      'namespace',
      'lane',
      'path',
      'run',
      'generation',
      'layers',
      'files',
      'sizeBytes',
      'added',
      'changed',
      'removed',
      'name',
      'value',
      'createdAt',
      'updatedAt',
      'at',
      'id',
      'nodes',
      'pageInfo',
      'startedAt',
      'sealedAt',
      'type',
      'entry',
      'runs',
      'kind',
      'volumes',
      'heads',
      'volume',
      'policies',
      'openedAt',
      'context',
      'isConfined',
      'paths',
      'mounter',
      'mounterWhy',
      'modifiedAt',
      'saved',
      'savedBytes',
      'lane',
    ]);
    const bare: string[] = [];
    for (const type of Object.values(schema.getTypeMap())) {
      if (type.name.startsWith('__') || !(isObjectType(type) || isInterfaceType(type))) continue;
      for (const field of Object.values(type.getFields())) {
        if (!field.description && !plain.has(field.name)) bare.push(`${type.name}.${field.name}`);
      }
    }
    expect(bare).toEqual([]);
  });
});
