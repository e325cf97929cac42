import { examples, schemaText } from '@cachelane/protocol';
import { buildSchema, getNamedType, isObjectType, parse, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { describe, expect, test } from 'vitest';
import { testWorld, type TestWorld } from './test-world.fixture.ts';

const schema = buildSchema(schemaText);

/** Types that a document selects fields of. */
function typesIn(query: string): ReadonlySet<string> {
  const found = new Set<string>();
  const info = new TypeInfo(schema);
  visit(
    parse(query),
    visitWithTypeInfo(info, {
      Field() {
        const parent = info.getParentType();
        if (parent) found.add(getNamedType(parent).name);
      },
    }),
  );
  return found;
}

async function idsOf(on: TestWorld, volumes: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const ids: Record<string, string> = {};
  for (const [variable, key] of Object.entries(volumes)) {
    const data = await on.data('query ($key: String!) { cacheVolume(key: $key) { id } }', { variables: { key } });
    ids[variable] = (data['cacheVolume'] as { readonly id: string }).id;
  }
  return ids;
}

describe('the example of', () => {
  test.each(Object.entries(examples))('%s works', async (type, { query, volumes = {} }) => {
    expect(typesIn(query)).toContain(type);
    // Forks are directories: e2e has them.
    if (query.includes('attach(') || query.includes('commit(') || query.startsWith('subscription')) return;
    await using on = testWorld();
    await on.save('/web', 'npm', { '_cacache/index-v5/ab': '1' });
    await on.save('/web', 'npm', { '_cacache/index-v5/cd': '2' });
    const offer = 'definitions: [{ name: "npm-cache", tool: "npm" }]';
    await on.data(`mutation { publishCatalog(namespace: "github.com/acme", content: { ${offer} }) { version } }`);
    const { errors } = await on.ask(query, { variables: await idsOf(on, volumes) });
    expect(errors).toBeUndefined();
  });

  test('every type that an answer can contain has an example', () => {
    const types = Object.values(schema.getTypeMap()).filter(
      (type) => isObjectType(type) && !type.name.startsWith('__'),
    );
    expect(Object.keys(examples).toSorted()).toEqual([...types.map(({ name }) => name), 'Node'].toSorted());
  });
});
