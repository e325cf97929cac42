import { stripTypeScriptTypes } from 'node:module';
import fc from 'fast-check';
import { parseAst } from 'rolldown/parseAst';
import { describe, expect, test } from 'vitest';
import { staleText, type LockedCatalog } from './catalog-lock.ts';
import type { VolumeDefinition } from './definition.ts';
import { generateClient } from './generate-client.ts';
import { canonicalCompat } from '../names/volume.ts';
import { exampleLock } from './lock.fixture.ts';
import { isDefinitionName } from './read-catalog.ts';

const example = generateClient(exampleLock);

describe('a generated client', () => {
  test('matches the golden file', async () => {
    await expect(example).toMatchFileSnapshot('client-golden.txt');
  });

  test('is the same for the same lock', () => {
    expect(generateClient(exampleLock.toReversed())).toBe(example);
  });

  test('has only types that Node can strip, and no unused imports', () => {
    const code = stripTypeScriptTypes(example);
    expect(() => parseAst(code)).not.toThrow();
    expect(generateClient([])).not.toContain('CacheVolume');
    const [, imported = ''] = /import \{ (.*) \}/.exec(example) ?? [];
    for (const name of imported.split(', ').map((each) => each.replace('type ', '')))
      expect(example.split(new RegExp(`\\b${name}\\b`)).length, name).toBeGreaterThan(2);
  });
});

function isCompatValue(value: string): boolean {
  try {
    return canonicalCompat({ field: value }) !== null;
  } catch {
    return false;
  }
}

/** A module's code without its texts. */
function skeleton(code: string): { readonly shape: string; readonly texts: readonly string[] } {
  const texts: string[] = [];
  const shape = JSON.stringify(parseAst(code, { lang: 'ts' }), (key, value: unknown) => {
    if (key === 'start' || key === 'end' || key === 'raw') return undefined;
    if (typeof value !== 'object' || value === null || (value as { type?: unknown }).type !== 'Literal') return value;
    const literal = (value as { readonly value: unknown }).value;
    if (typeof literal !== 'string') return value;
    texts.push(literal);
    return 'text';
  });
  return { shape, texts };
}

const pieces = [
  ...String.raw`*/ /* /** // * / \ ' " ${'`'} } @deprecated \u002a/ </script>`.split(' '),
  ...'${|\n|\r|\t|\u2028|\u0000|\ud800|\u202e| * | @see|(): never; evil|export const x = 1;'.split('|'),
];

const hostile = fc.oneof(
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  {
    weight: 3,
    arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join('')),
  },
);

const reserved =
  'abstract any as async await break case catch class const continue debugger declare default delete do else enum export extends false finally for from function get if implements import in infer instanceof interface is keyof let module namespace never new null of options package private protected public readonly require return satisfies set static super switch symbol this throw true try type typeof undefined unique unknown var void while with yield each offered engine extendEngine'.split(
    ' ',
  );
const names = fc
  .oneof(fc.constantFrom(...reserved), fc.stringMatching(/^[A-Za-z][A-Za-z0-9._-]{0,12}$/))
  .filter((name) => isDefinitionName(name));

const definition = (name: string): fc.Arbitrary<VolumeDefinition> =>
  fc.record({
    name: fc.constant(name),
    tool: hostile,
    key: hostile as fc.Arbitrary<VolumeDefinition['key']>,
    tier: fc.constantFrom('project', 'catalog'),
    sharing: fc.constantFrom(null, 'LOCKED'),
    compat: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), hostile.filter(isCompatValue), { maxKeys: 2 }),
    docs: hostile,
    deprecated: fc.option(hostile),
  }) as fc.Arbitrary<VolumeDefinition>;

const locked = fc
  .tuple(
    fc.uniqueArray(names, { maxLength: 5, selector: (name) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '') }),
    fc.nat(4),
  )
  .chain(([all, goneCount]) => {
    const [gone, offered] = [all.slice(0, goneCount), all.slice(goneCount)];
    const whyOf = (name: string) => fc.record({ name: fc.constant(name), why: hostile });
    return fc.record({
      alias: fc.constantFrom('my-org', 'new', 'class'),
      namespace: hostile as fc.Arbitrary<LockedCatalog['namespace']>,
      version: fc.integer({ min: 1 }),
      digest: hostile as fc.Arbitrary<LockedCatalog['digest']>,
      content: fc.record({ docs: hostile, definitions: fc.tuple(...offered.map(definition)) }),
      gone: fc.tuple(...gone.map(whyOf)),
      changed: fc.tuple(...offered.slice(1, 2).map(whyOf)),
    });
  });

const text = <T>(): T => 'x' as T;
const bare = ({ name }: { readonly name: string }) => ({ name, why: 'x' });

/** The same catalog with names only. */
function plain(catalog: LockedCatalog): LockedCatalog {
  return {
    ...catalog,
    namespace: text(),
    digest: text(),
    content: {
      docs: '',
      definitions: catalog.content.definitions.map((each) => ({
        ...each,
        tool: 'x',
        key: text(),
        compat: {},
        docs: '',
      })),
    },
    gone: catalog.gone.map(bare),
    changed: catalog.changed.map(bare),
  };
}

test('for any texts, a client declares exactly the methods of its names', () => {
  fc.assert(
    fc.property(locked, (catalog) => {
      const code = generateClient([catalog]);
      const found = skeleton(code);
      expect(found.shape).toBe(skeleton(generateClient([plain(catalog)])).shape);
      for (const each of [...catalog.gone, ...catalog.changed]) {
        const told = staleText(each).replaceAll('\u202e', '');
        expect(found.texts.filter((text) => text === told).length).toBeGreaterThanOrEqual(2);
      }
      const stale = catalog.gone.length + catalog.changed.length;
      const changed = new Set(catalog.changed.map(({ name }) => name));
      const deprecated = catalog.content.definitions.filter(
        (each) => each.deprecated !== null && !changed.has(each.name),
      );
      expect(code).not.toContain('\u202e');
      const tags = code.match(/^\s*(\/\*\*|\*)?\s*@.*$/gm) ?? [];
      expect(tags).toHaveLength(stale + deprecated.length);
      for (const tag of tags) expect(tag).toMatch(/^\s*(\/\*\*|\*) @deprecated(?!.*\s@)/);
    }),
    { numRuns: 400 },
  );
});
