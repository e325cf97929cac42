import { expect, test } from 'vitest';
import { type Namespace, parseNamespace } from './namespace.ts';
import { validateParents } from './parents.ts';

const ns = (text: string): Namespace => parseNamespace(text);
const web = ns('github.com/acme/web');

function validate(
  explicit: readonly string[] | null,
  others: Readonly<Record<string, readonly string[]>> = {},
): readonly Namespace[] {
  return validateParents({
    namespace: web,
    explicit,
    source: 'cachelane.yaml:4',
    explicitParentsOf: (namespace) => others[namespace]?.map(ns),
  });
}

test('without a list: the path prefixes', () => {
  expect(validate(null)).toEqual(['github.com/acme']);
});

test('a list replaces the prefixes and keeps its order; a repeated name counts once', () => {
  expect(validate(['teams/payments', 'github.com/acme', 'teams/payments'])).toEqual([
    'teams/payments',
    'github.com/acme',
  ]);
  expect(validate([])).toEqual([]);
});

test('a name that is not canonical is refused with its source and the canonical spelling', () => {
  expect(() => validate(['teams/pay ments'])).toThrow(
    expect.objectContaining({
      code: 'E_NAMESPACE',
      message: expect.stringContaining('cachelane.yaml:4'),
      hint: expect.stringContaining('teams/pay%20ments'),
    }),
  );
});

test('at most 16', () => {
  const names = Array.from({ length: 17 }, (_, index) => `team${index}`);
  expect(validate(names.slice(1))).toHaveLength(16);
  expect(() => validate(names)).toThrow(expect.objectContaining({ code: 'E_LIMIT' }));
});

test.each<readonly [string, readonly string[], Readonly<Record<string, readonly string[]>>, string]>([
  ['itself', [web], {}, `${web} -> ${web}`],
  ['a child of its own', [`${web}/api`], {}, `${web} -> ${web}/api -> ${web}`],
  ['a team that names it', ['teams/a'], { 'teams/a': [web] }, `${web} -> teams/a -> ${web}`],
  [
    'a team whose team names it',
    ['x', 'teams/a'],
    { 'teams/a': ['teams/b'], 'teams/b': ['y', web] },
    `${web} -> teams/a -> teams/b -> ${web}`,
  ],
])('a cycle is refused: %s', (_, explicit, others, way) => {
  expect(() => validate(explicit, others)).toThrow(
    expect.objectContaining({ code: 'E_NAMESPACE', message: expect.stringContaining(way) }),
  );
});

test('a namespace that names itself gets the hint to remove itself', () => {
  expect(() => validate([web])).toThrow(
    expect.objectContaining({ hint: `remove ${web} from the list: a namespace always reads its own caches first` }),
  );
  const hint = `remove ${web}/api from the list, or ${web} from its parents`;
  expect(() => validate([`${web}/api`])).toThrow(expect.objectContaining({ hint }));
});

test('a cycle among other namespaces is ignored, and the search ends', () => {
  expect(validate(['teams/a'], { 'teams/a': ['teams/b'], 'teams/b': ['teams/a'] })).toEqual(['teams/a']);
});
