import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../base/limits.ts';
import { catalogDigest, catalogText, parseCatalogText } from './catalog-text.ts';
import { compareCatalogs } from './compare-catalogs.ts';
import type { CatalogContent } from './definition.ts';
import { methodName } from './method-name.ts';
import { readCatalog } from './read-catalog.ts';

const tools = new Set(['npm', 'pip', 'uv', 'go-build', 'directory']);
const read = (value: unknown): CatalogContent => readCatalog(value, { source: 'the catalog', tools });
const volumes = (definitions: object): CatalogContent => read({ volumes: definitions });

describe('a catalog', () => {
  test('with few settings uses defaults', () => {
    expect(volumes({ npm: {}, 'pip-cache': { tool: 'pip' } }).definitions).toEqual([
      { name: 'npm', tool: 'npm', key: 'npm', tier: 'project', sharing: null, compat: {}, docs: '', deprecated: null },
      {
        name: 'pip-cache',
        tool: 'pip',
        key: 'pip-cache',
        tier: 'project',
        sharing: null,
        compat: {},
        docs: '',
        deprecated: null,
      },
    ]);
    expect(volumes({ npm: null }).definitions).toEqual(volumes({ npm: {} }).definitions);
  });

  test('may set every field of a definition', () => {
    const all = {
      tool: 'pip',
      key: 'pip',
      tier: 'catalog',
      sharing: 'locked',
      compat: { image: 'trixie' },
      docs: 'Wheels.\n\nOf all teams.',
      deprecated: 'use uv',
    };
    expect(read({ docs: 'Ours.', volumes: { pip: all } })).toEqual({
      docs: 'Ours.',
      definitions: [{ name: 'pip', ...all, sharing: 'LOCKED' }],
    });
  });

  test.each([
    ['no mapping', [], 'it must be a mapping with volumes'],
    ['no volumes', { docs: 'Ours.' }, 'volumes must be a mapping'],
    ['an unknown key', { volumes: {}, volume: {} }, 'volume is not a key of a catalog'],
    ['a definition that is a word', { volumes: { npm: 'npm' } }, 'volumes.npm must be a mapping'],
    ['an unknown key of a definition', { volumes: { npm: { tools: 'npm' } } }, 'volumes.npm.tools is not a key'],
    ['an unknown tool', { volumes: { npm: { tool: 'npn' } } }, '"npn" is not a tool that cachelane knows'],
    ['an unknown tier', { volumes: { npm: { tier: 'team' } } }, 'volumes.npm.tier must be one of project, catalog'],
    ['an invalid name', { volumes: { 'pip cache': { tool: 'pip' } } }, 'volumes.pip cache is not a valid name'],
    [
      'a name that does not begin with a letter',
      { volumes: { '3d': { tool: 'pip' } } },
      'volumes.3d is not a valid name',
    ],
    ['a name that objects inherit', JSON.parse('{"volumes":{"__proto__":{"tool":"npm"}}}'), 'volumes.__proto__ is no'],
    ['a key that is no volume', { volumes: { npm: { key: 'a b' } } }, 'volumes.npm.key volume name "a b"'],
    ['a number where text belongs', { volumes: { npm: { docs: 7 } } }, 'volumes.npm.docs must be text'],
    ['a line separator', { volumes: { npm: { docs: 'a\u2028b' } } }, 'has control characters'],
    ['a text without end', { volumes: { npm: { docs: 'a'.repeat(5000) } } }, 'volumes.npm.docs is longer than'],
    ['compat that is no text', { volumes: { npm: { compat: { node: 22 } } } }, 'put numbers into quotes'],
    ['the same method twice', { volumes: { 'pip-cache': { tool: 'pip' }, pipCache: { tool: 'pip' } } }, 'pipCache'],
    ['a name that would be awaited', JSON.parse('{"volumes":{"then":{"tool":"npm"}}}'), 'would be the method then'],
    ['a name that every object has', { volumes: { 'to-string': { tool: 'npm' } } }, 'would be the method toString'],
  ])('with %s is refused with the reason', (_, value, why) => {
    expect(() => read(value)).toThrow(
      expect.objectContaining({ code: 'E_CATALOG', message: expect.stringContaining(why) }),
    );
  });

  test('without a known tool is refused with a hint about tools and directories', () => {
    expect(() => read({ volumes: { data: {} } })).toThrow(
      expect.objectContaining({
        message: 'the catalog: volumes.data.tool "data" is not a tool that cachelane knows',
        hint: 'fix it and publish again; nothing was changed. cachelane tools lists the tools; use tool: directory for other directories',
      }),
    );
    expect(() => read({ volumes: { npn: {} } })).toThrow(/knows; did you mean npm\?$/);
    expect(() => read({ volumes: [] })).toThrow(
      expect.objectContaining({ hint: 'fix it and publish again; nothing was changed' }),
    );
  });

  test('is refused with all its problems, up to a readable number', () => {
    const many = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`v${index}`, { tool: 'x', tier: 'y' }]));
    expect(() => volumes(many)).toThrow(/^the catalog: volumes\.v0\.tool .*; volumes\.v0\.tier .*; and 9 more$/);
  });

  test('has a maximum number of definitions', () => {
    const many = Object.fromEntries(
      Array.from({ length: limits.catalogDefinitions + 1 }, (_, index) => [`v${index}`, { tool: 'npm' }]),
    );
    expect(() => volumes(many)).toThrow(expect.objectContaining({ code: 'E_LIMIT' }));
  });

  test('has one canonical text whatever the order, which reads back the same', () => {
    const one = volumes({ npm: {}, pip: { compat: { b: '1', a: '2' } } });
    const other = volumes({ pip: { compat: { a: '2', b: '1' }, tool: 'pip' }, npm: { tier: 'project' } });
    expect(catalogDigest(one)).toBe(catalogDigest(other));
    expect(read(JSON.parse(catalogText(one)))).toEqual(one);
    expect(catalogDigest(volumes({ npm: { docs: 'x' }, pip: {} }))).not.toBe(catalogDigest(one));
  });
});

describe('the method of a name', () => {
  test.each([
    ['npm', 'npm'],
    ['pip-cache', 'pipCache'],
    ['pip_cache', 'pipCache'],
    ['pipCache', 'pipCache'],
    ['PIP', 'pip'],
    ['PIP-cache', 'pipCache'],
    ['GoBuild', 'goBuild'],
    ['node.20', 'node20'],
    ['a--b', 'aB'],
    ['20-node', ''],
    ['-', ''],
  ])('%s: %s', (name, method) => {
    expect(methodName(name)).toBe(method);
  });

  test('is an identifier or nothing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => /^([A-Za-z][A-Za-z0-9]*)?$/.test(methodName(name))));
  });
});

describe('two versions of a catalog', () => {
  const before = volumes({ npm: {}, pip: { docs: 'Wheels.' }, old: { tool: 'npm', deprecated: 'use npm' } });

  test('differ by additions, removals and changes; a change of the volume breaks', () => {
    const after = volumes({
      npm: { compat: { node: '22' } },
      pip: { docs: 'Wheels, all.', deprecated: 'use uv' },
      uv: { docs: 'New.' },
    });
    expect(compareCatalogs(before, after)).toEqual([
      { name: 'npm', kind: 'changed', breaks: true, wasAnnounced: false, what: ['compat none -> node=22'] },
      { name: 'old', kind: 'removed', breaks: true, wasAnnounced: true, what: ['use npm'] },
      {
        name: 'pip',
        kind: 'changed',
        breaks: false,
        wasAnnounced: false,
        what: ['docs Wheels. -> Wheels, all.', 'deprecated none -> use uv'],
      },
      { name: 'uv', kind: 'added', breaks: false, wasAnnounced: false, what: ['New.'] },
    ]);
  });

  test('differ by a deprecation alone, or not at all', () => {
    const after = volumes({
      npm: {},
      pip: { docs: 'Wheels.', deprecated: 'use uv' },
      old: { tool: 'npm', deprecated: 'use npm' },
    });
    expect(compareCatalogs(before, after)).toEqual([
      { name: 'pip', kind: 'deprecated', breaks: false, wasAnnounced: false, what: ['deprecated none -> use uv'] },
    ]);
    expect(compareCatalogs(after, after)).toEqual([]);
  });

  test('differ by a long text, shown by its beginning', () => {
    const after = volumes({
      npm: { docs: `Packages.\n\n${'a'.repeat(3000)}` },
      pip: { docs: 'b'.repeat(3000) },
      old: { tool: 'npm' },
    });
    const what = compareCatalogs(volumes({ npm: {}, pip: {}, old: { tool: 'npm' } }), after).map(
      (each) => each.what[0],
    );
    expect(what).toEqual(['docs none -> Packages.…', `docs none -> ${'b'.repeat(80)}…`]);
  });
});

describe('what was published', () => {
  test('is read although a later version wrote more fields; other text is refused', () => {
    const later = { docs: 'Ours.', owner: 'ann', volumes: { npm: { tool: 'later', color: 'red' } } };
    expect(parseCatalogText(JSON.stringify(later), 'version 3')).toMatchObject({
      docs: 'Ours.',
      definitions: [{ name: 'npm', tool: 'later' }],
    });
    expect(() => parseCatalogText('{', 'version 3')).toThrow('version 3 is not a catalog');
  });
});
