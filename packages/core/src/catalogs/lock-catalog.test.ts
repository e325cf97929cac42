import { describe, expect, test } from 'vitest';
import { encodeLock, parseLock, type LockedCatalog } from './catalog-lock.ts';
import type { Catalog } from './definition.ts';
import { lockCatalog, type NextLock } from './lock-catalog.ts';
import { catalogOf } from './lock.fixture.ts';

const next = (before: LockedCatalog | null, ways: readonly Catalog[], accepted: readonly string[] = []): NextLock => {
  const between = ways.slice(0, -1);
  const done = lockCatalog({ alias: 'my-org', before, between, to: ways.at(-1) as Catalog, accepted });
  // Every result can be written and read.
  expect(parseLock(encodeLock([done.locked]), 'it')).toEqual([done.locked]);
  return done;
};
const stale = ({ locked: { gone, changed } }: NextLock): object => ({
  gone: gone.map(({ name, why }) => `${name} was ${why}`),
  changed: changed.map(({ name, why }) => `${name} was ${why}`),
});

const first = next(null, [catalogOf(1, { npm: {}, pip: {}, go: { tool: 'go-build' } })]);

const long = (value: string): object =>
  Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`field${index}`, value.repeat(250)]));

describe('a catalog that is locked', () => {
  test('for the first time has no gone definitions', () => {
    expect(first.locked).toMatchObject({ alias: 'my-org', namespace: 'github.com/acme', version: 1 });
    expect(stale(first)).toEqual({ gone: [], changed: [] });
    expect(first.changes.map(({ name, kind }) => [name, kind])).toEqual([
      ['go', 'added'],
      ['npm', 'added'],
      ['pip', 'added'],
    ]);
  });

  test('keeps removed definitions with the version and the last reason', () => {
    const deprecated = catalogOf(2, { npm: {}, pip: { deprecated: 'use uv' }, go: { tool: 'go-build' } });
    const without = catalogOf(3, { npm: {}, go: { tool: 'go-build' } });
    const to = catalogOf(4, { npm: {} });
    const after = next(first.locked, [deprecated, without, to]);
    expect(stale(after)).toEqual({
      gone: ['go was removed in version 4', 'pip was removed in version 3: use uv'],
      changed: [],
    });
    const later = next(after.locked, [catalogOf(5, { npm: {}, uv: {} })]);
    expect(stale(later)).toEqual(stale(after));
  });

  test('has fewer reasons if the versions between no longer exist', () => {
    expect(stale(next(first.locked, [catalogOf(4, { npm: {}, go: { tool: 'go-build' } })]))).toEqual({
      gone: ['pip was removed in version 4'],
      changed: [],
    });
  });

  test('keeps a definition as changed until the change is accepted', () => {
    const to = catalogOf(2, { npm: { docs: 'New.' }, pip: { key: 'pip3', docs: 'New.' }, go: { tool: 'go-build' } });
    const after = next(first.locked, [to]);
    const expected = { gone: [], changed: ['pip was changed to another volume in version 2: key pip -> pip3'] };
    expect(stale(after)).toEqual(expected);
    expect(stale(next(after.locked, [to]))).toEqual(expected);
    expect(stale(next(after.locked, [to], ['pip']))).toEqual({ gone: [], changed: [] });
    expect(stale(next(first.locked, [to], ['pip']))).toEqual({ gone: [], changed: [] });
    expect(() => next(first.locked, [to], ['npm'])).toThrow(
      expect.objectContaining({ code: 'E_CATALOG', hint: 'removed or changed: pip' }),
    );
  });

  test('does not offer a definition that returned as another volume, even with another spelling', () => {
    const gone = next(first.locked, [catalogOf(2, { npm: {} })]);
    const back = next(gone.locked, [catalogOf(3, { npm: {}, pip: { key: 'other' }, Go: { tool: 'go-build' } })]);
    const after = 'perhaps as another volume, after';
    expect(stale(back)).toEqual({
      gone: [],
      changed: [
        `Go was offered again in version 3, ${after} go was removed in version 2`,
        `pip was offered again in version 3, ${after} pip was removed in version 2`,
      ],
    });
    expect(stale(next(back.locked, [catalogOf(4, { npm: {} })]))).toEqual({
      gone: ['Go was removed in version 4', 'pip was removed in version 4'],
      changed: [],
    });
  });

  test('goes back to an earlier version', () => {
    const later = next(null, [catalogOf(3, { npm: {}, uv: {} })]);
    expect(stale(next(later.locked, [catalogOf(1, { npm: {} })]))).toEqual({
      gone: ['uv was not offered yet in version 1'],
      changed: [],
    });
  });

  test('is not locked if it has fields of a later version of Cachelane', () => {
    const to = { ...catalogOf(1, { npm: {} }), digest: catalogOf(1, { npm: {}, pip: {} }).digest };
    const message = expect.stringContaining('by a later version of cachelane');
    expect(() => next(null, [to])).toThrow(expect.objectContaining({ code: 'E_CATALOG', message }));
  });

  test('with many long reasons reads back the same', () => {
    const before = next(null, [catalogOf(1, { npm: { compat: long('a') }, pip: { deprecated: 'é'.repeat(4000) } })]);
    const after = next(before.locked, [catalogOf(2, { npm: { compat: long('b') } })]);
    expect(after.locked.changed[0]?.why).toMatch(/…$/);
    expect(next(after.locked, [catalogOf(3, { npm: { compat: long('b') }, pip: {} })]).locked.changed).toHaveLength(2);
  });
});
