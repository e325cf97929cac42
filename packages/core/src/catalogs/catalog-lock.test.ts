import { describe, expect, test } from 'vitest';
import { limits } from '../base/limits.ts';
import { parseNamespace } from '../names/namespace.ts';
import { encodeLock, lockedAs, parseLock, requireAlias } from './catalog-lock.ts';
import { catalogOf, exampleLock, lockedOf } from './lock.fixture.ts';

const text = encodeLock(exampleLock);
const refused = (changed: string): unknown => {
  try {
    return parseLock(changed, 'cachelane.lock');
  } catch (error) {
    return (error as Error & { readonly code: string }).code + ' ' + (error as Error).message;
  }
};

const named = (prefix: string): object =>
  Object.fromEntries(Array.from({ length: limits.lockedDefinitions / 2 }, (_, index) => [`${prefix}${index}`, {}]));

describe('a lock', () => {
  test('is read as written, and the order of the input does not matter', () => {
    const read = parseLock(text, 'cachelane.lock');
    expect(read).toEqual(exampleLock.toSorted((a, b) => (a.alias < b.alias ? -1 : 1)));
    expect(encodeLock(read)).toBe(text);
    expect(encodeLock(exampleLock.toReversed())).toBe(text);
    expect(encodeLock([lockedOf(catalogOf(1, { b: {}, a: {} }))])).toBe(
      encodeLock([lockedOf(catalogOf(1, { a: {}, b: {} }))]),
    );
  });

  test.each([
    ['no JSON', 'x', 'is not JSON'],
    ['another file', '{}', 'is not a lock file'],
    ['a later version', text.replace('"version": 1,\n  "catalogs"', '"version": 2,\n  "catalogs"'), 'later version'],
    [
      'a version that is no number',
      text.replace('"version": 1,\n  "cat', '"version": "x",\n  "cat'),
      'no format version',
    ],
    [
      'marks of a merge',
      text.replace('  "catalogs"', '<<<<<<< HEAD\n  "catalogs"'),
      'the conflict markers of an unfinished merge',
    ],
    ['a definition whose name is code', text.replace('"gradle": {', '"x(){}": {'), 'volumes.x(){} is not a valid name'],
    ['an edited definition', text.replace('"key": "m2"', '"key": "m3"'), 'does not match its digest'],
    ['no digest', text.replaceAll(/"digest": "[0-9a-f]+"/g, '"digest": 7'), 'has no digest'],
    ['an invalid version', text.replace('"version": 4', '"version": 0'), 'has no version'],
    ['an alias that is code', text.replace('"tools": {', '"tools(){}": {'), 'is not a valid alias'],
    ['aliases that are one method', text.replace('"tools": {', '"myOrg": {'), 'would both be the method myOrg'],
    ['a name that is code', text.replace('"old-cache":', '"old(): 1; x":'), 'as gone'],
    ['a name that is not a method', text.replace('"old-cache":', '"then":'), 'as gone'],
    ['a reason with a control character', text.replace('removed in version 4', String.raw`a\u2028b`), 'as gone'],
    ['an invalid reason', text.replace(/"old-cache": ".*"/, '"old-cache": 7'), 'as gone'],
    ['an offered definition listed as gone', text.replace('"old-cache":', '"pip_cache":'), 'as gone'],
    ['a missing definition listed as changed', text.replace('"maven": "changed', '"m": "changed'), 'as changed'],
    [
      'two removed definitions of one method name',
      text.replace('"old-cache":', '"oldCache": "x", "old-cache":'),
      'have the same method name',
    ],
  ])('is refused with %s', (_, changed, why) => {
    expect(changed).not.toBe(text);
    expect(refused(changed)).toMatch(/^E_CATALOG cachelane.lock|^E_CATALOG /);
    expect(refused(changed)).toContain(why);
  });

  test('has a maximum size, because an engine creates types for all definitions', () => {
    const halves = ['v', 'w'].map((prefix) => ({ ...lockedOf(catalogOf(1, named(prefix))), alias: prefix }));
    const whole = encodeLock(halves);
    expect(parseLock(whole, 'it')).toHaveLength(2);
    const more = { ...lockedOf(catalogOf(1, { a: {} })), alias: 'x' };
    expect(() => encodeLock([...halves, more])).toThrow('would have 4001 definitions, at most 4000');
    const one = JSON.parse(encodeLock([more])) as { readonly catalogs: object };
    const both = JSON.parse(whole) as { catalogs: object };
    both.catalogs = { ...both.catalogs, ...one.catalogs };
    expect(() => parseLock(JSON.stringify(both), 'it')).toThrow(expect.objectContaining({ code: 'E_LIMIT' }) as Error);
  });

  test('that is refused has a hint about the lock and not about publishing', () => {
    for (const changed of [
      'x',
      text.replace('"gradle": {', '"x(){}": {'),
      text.replace('"key": "m2"', '"key": "m3"'),
    ]) {
      const error = expect.objectContaining({ hint: expect.stringContaining('delete it and lock its catalogs again') });
      expect(() => parseLock(changed, 'cachelane.lock')).toThrow(error as Error);
    }
  });

  test.each(['my-org', 'acme', 'A1', 'new'])('%s is a valid alias', (alias) => {
    expect(requireAlias(alias)).toBe(alias);
  });

  test.each(['', '1', 'a.b', 'a b', 'then', 'constructor', 'run', 'cache-volume', 'catalog', 'published', 'é'])(
    '%j may not',
    (alias) => {
      expect(() => requireAlias(alias)).toThrow(expect.objectContaining({ code: 'E_CATALOG' }));
    },
  );
});

const { namespace } = catalogOf(1, {});
const other = parseNamespace('github.com/other');
const called = (alias: string, version: number, of = namespace) =>
  lockedOf(catalogOf(version, {}), { alias, namespace: of });

test('a locked catalog is found by its alias, otherwise as its latest version', () => {
  const all = [called('b', 2), called('a', 1), called('c', 7, other)];
  const versions = [
    { names: [namespace], alias: 'a' },
    { names: [namespace], alias: 'c' },
    { names: [namespace] },
    { names: [other], alias: 'a' },
    { names: [other, namespace], alias: 'a' },
    { names: [parseNamespace('github.com/none')] },
  ].map((question) => lockedAs(all, question)?.version);
  expect(versions).toEqual([1, 2, 2, 7, 1, undefined]);
});
