import { schemaText } from '@cachelane/protocol';
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  printSchema,
  type IntrospectionQuery,
} from 'graphql';
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

const diffs = (times: number): string => {
  const state = '{ volume: $npm }';
  const each = (n: number): string => `a${n}: diff(before: ${state}, after: ${state}, first: 1) { added }`;
  return `query ($npm: ID!) { ${Array.from({ length: times }, (_, n) => each(n)).join(' ')} }`;
};

describe('a document', () => {
  test.each([
    ['that is invalid', '{ cacheVolume(', 'E_USAGE', /Syntax Error/],
    ['with an unknown field', '{ container { id } }', 'E_USAGE', /container/],
    ['with a value of another type', '{ cacheVolume(key: 1) { id } }', 'E_USAGE', /String/],
    ['without an operation', 'fragment F on Query { context { lane } }', 'E_USAGE', /./],
    ['with two operations', 'query A { context { lane } } query B { context { lane } }', 'E_USAGE', /2 operations/],
    ['with a subscription', 'subscription { events { type } }', 'E_USAGE', /stream/],
    ['with too many tokens', `{ ${'a: context { lane } '.repeat(queryLimits.tokens / 5)} }`, 'E_USAGE', /tokens/],
  ])('%s is refused', async (_, query, code, message) => {
    const found = await refusal(query);
    expect(found?.code).toBe(code);
    expect(found?.message).toMatch(message);
  });

  test('that is too deep is refused with the name of the limit', async () => {
    const deep = `{ cacheVolume(key: "npm") { head { ${'volume { head { '.repeat(12)} generation ${'} }'.repeat(12)} } } }`;
    expect(await refusal(deep)).toEqual({
      code: 'E_LIMIT',
      message: expect.stringMatching(/27 fields deep, at most 20/),
    });
    const shallow = `{ cacheVolume(key: "npm") { head { ${'volume { head { '.repeat(8)} generation ${'} }'.repeat(8)} } } }`;
    expect(await refusal(shallow)).toBeNull();
  });

  test('with too large a possible result is refused, also through variables and fragments', async () => {
    const pages =
      'query ($first: Int!) { namespaces(first: $first) { nodes { volumes(first: $first) { nodes { heads { entries(first: 100) { nodes { path } } } } } } } }';
    expect(await refusal(pages, { first: 1 })).toBeNull();
    expect(await refusal(pages, { first: 1000 })).toMatchObject({
      code: 'E_LIMIT',
      message: expect.stringContaining('at most 1000000'),
    });
    const preset = pages.replace('$first: Int!', '$first: Int! = 1000');
    expect(await refusal(preset)).toMatchObject({ code: 'E_LIMIT' });
    expect(await refusal(preset, { first: 1 })).toBeNull();
    // By default a page has the size in the schema.
    expect(await refusal(pages.replace('$first: Int!', '$first: Int'))).toMatchObject({ code: 'E_LIMIT' });
    const doubled = Array.from({ length: 30 }, (_, index) =>
      `fragment F${index} on Query { a: ...F${index + 1} b: ...F${index + 1} }`.replaceAll(/[ab]: /g, ''),
    ).join(' ');
    expect(await refusal(`{ ...F0 } ${doubled} fragment F30 on Query { context { lane } }`)).toMatchObject({
      code: 'E_LIMIT',
    });
  });

  test('with a hundred slow fields is refused', async () => {
    expect(await refusal(diffs(100), { npm: 'none' })).toMatchObject({ code: 'E_LIMIT' });
    expect(await refusal(diffs(3), { npm: 'none' })).toMatchObject({ code: 'E_NOT_FOUND' });
  });

  test.each([
    ['fields', `{ cacheVolume(key: "npm") { ${'head { volume { '.repeat(1600)} id ${'} }'.repeat(1600)} } }`],
    ['values', `{ cacheVolume(key: ${'['.repeat(4900)}${']'.repeat(4900)}) { id } }`],
    ['fields, one level too many,', `{ ${'context { '.repeat(101)} lane ${'} '.repeat(101)} }`],
  ])('with endlessly nested %s is refused before it is parsed', async (_, query) => {
    const message = expect.stringContaining('nested deeper than 100 brackets') as string;
    expect(await refusal(query)).toMatchObject({ code: 'E_LIMIT', message });
  });

  test('with a list inside itself is refused, also through fragments', async () => {
    const message = 'the query asks for CacheVolume.heads inside CacheVolume.heads';
    const plain = '{ cacheVolume(key: "npm") { heads { volume { heads { lane } } } } }';
    expect(await refusal(plain)).toEqual({ code: 'E_LIMIT', message });
    const spread =
      '{ cacheVolume(key: "npm") { heads { ...F } } } fragment F on Head { volume { ... { heads { lane } } } }';
    expect(await refusal(spread)).toEqual({ code: 'E_LIMIT', message });
  });

  test('with too large an actual result is refused, even if its estimate was small', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`f${n}`, '1'])));
    const aliases = Array.from({ length: 30 }, (_, n) => `n${n}: nodes { ...E }`).join(' ');
    const fields = Array.from({ length: 30 }, (_, n) => `p${n}: path`).join(' ');
    const query = `{ cacheVolume(key: "npm") { head { entries { ${aliases} } } } } fragment E on Entry { ${fields} }`;
    expect((await on.ask(query)).errors).toMatchObject([
      { message: 'the answer has more than 250000 fields', extensions: { code: 'E_LIMIT', retryable: false } },
    ]);
  });

  test('with an introspection query is answered', async () => {
    await using on = testWorld();
    const data = (await on.data(getIntrospectionQuery())) as unknown as IntrospectionQuery;
    expect(printSchema(buildClientSchema(data))).toBe(printSchema(buildSchema(schemaText)));
  });
});

describe('the schema', () => {
  test('describes every type, field, argument and value', () => {
    const bare: string[] = [];
    const note = (name: string, { description }: { readonly description: string | null | undefined }): void => {
      if (!description) bare.push(name);
    };
    for (const type of Object.values(buildSchema(schemaText).getTypeMap())) {
      if (type.name.startsWith('__')) continue;
      note(type.name, type);
      if (isEnumType(type)) for (const value of type.getValues()) note(`${type.name}=${value.name}`, value);
      if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) continue;
      for (const field of Object.values(type.getFields())) {
        note(`${type.name}.${field.name}`, field);
        if ('args' in field) for (const each of field.args) note(`${type.name}.${field.name}(${each.name})`, each);
      }
    }
    expect(bare).toEqual([]);
  });
});
