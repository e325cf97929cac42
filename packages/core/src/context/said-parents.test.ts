import { describe, expect, test } from 'vitest';
import { parseNamespace } from '../names/namespace.ts';
import { parseGrantee } from '../sharing/grantee.ts';
import { ci, derive, inFolder, inputOf, links, named, ofFork, root, sourcesOf } from './context.fixture.ts';
import type { ContextSources, UserParents } from './context-sources.ts';
import { contextWarnings } from './derive-context.ts';

// Parents named by a person: in the environment of a job, or in the user's configuration.

const config = { directory: root, parents: [named('teams/payments', 3)] };
const parentsOf = (changes: Partial<ContextSources>): readonly string[] => derive(changes).parents;

test('override the file and the path, wherever the namespace comes from', () => {
  const parentsVariable = ' teams/site, github.com/acme ';
  for (const changes of [{}, { config }, { config, platform: ci }, { namespaceFlag: 'a/b' }]) {
    const context = derive({ ...changes, parentsVariable });
    expect(context.parents).toEqual(['teams/site', 'github.com/acme']);
    expect(inputOf(context, 'parents')).toMatchObject({ source: 'CACHELANE_PARENTS' });
  }
  expect(parentsOf({ config, parentsVariable: ' ' })).toEqual(['teams/payments']);
  expect(parentsOf({ config, parentsVariable: 'none' })).toEqual([]);
});

test('are read after the namespaces between a package and its repository', () => {
  const between = ['github.com/acme/web/services', 'github.com/acme/web'];
  const parentsVariable = 'teams/site';
  expect(parentsOf({ ...inFolder('services/api'), parentsVariable })).toEqual([...between, 'teams/site']);
  expect(parentsOf({ ...inFolder('services/api'), parentsVariable: 'none' })).toEqual(between);
  const noRemote = { repository: { root, remote: null }, parentsVariable };
  expect(parentsOf({ ...noRemote, ...inFolder('a') })).toEqual([derive(noRemote).namespace, 'teams/site']);
});

test('may be one list for an organisation, including the parents and namespaces above them', () => {
  const parentsVariable = 'github.com/acme/web,teams/site';
  expect(parentsOf({ parentsVariable })).toEqual(['teams/site']);
  expect(parentsOf({ ...inFolder('a'), parentsVariable })).toEqual(['github.com/acme/web', 'teams/site']);
  expect(parentsOf({ namespaceFlag: 'github.com/acme', parentsVariable })).toEqual(['teams/site']);
});

test.each([
  ['~', 'CACHELANE_PARENTS: ~ is the personal tier of the user'],
  ['GitHub.com/acme', 'CACHELANE_PARENTS: "GitHub.com/acme"'],
])('%s is refused', (parentsVariable, message) => {
  const refused = expect.objectContaining({ code: 'E_NAMESPACE', message: expect.stringContaining(message) });
  expect(() => parentsOf({ parentsVariable })).toThrow(refused);
});

test('are limited to the prefixes in an untrusted run', () => {
  const parentsVariable = 'teams/payments,github.com/acme,github.com';
  const context = derive({ platform: ofFork, parentsVariable });
  expect(context.parents).toEqual(['github.com/acme']);
  expect(links(context)).not.toContainEqual(expect.stringContaining('teams/payments'));
  expect(parentsOf({ platform: ofFork, parentsVariable: 'none' })).toEqual([]);
  expect(contextWarnings(sourcesOf({ platform: ofFork, parentsVariable }))).toEqual([
    'CACHELANE_PARENTS names teams/payments, github.com: skipped in an untrusted run (T0)',
  ]);
  expect(contextWarnings(sourcesOf({ platform: ci, parentsVariable }))).toEqual([]);
});

const list = (of: string, ...parents: readonly string[]): UserParents => ({
  of: parseGrantee(of, 'test'),
  parents: parents.map((parent) => parseNamespace(parent)),
  source: `config.yaml:${of}`,
});

describe('of the user’s own file', () => {
  const userParents = [list('github.com/acme/**', 'teams/all'), list('github.com/acme/web', 'teams/site')];

  test('override the project’s file, with only the nearest list, but not the environment', () => {
    const context = derive({ config, userParents });
    expect(context.parents).toEqual(['teams/site']);
    expect(context.claimed).toBe(undefined);
    expect(inputOf(context, 'parents')).toMatchObject({ source: 'config.yaml:github.com/acme/web' });
    expect(parentsOf({ userParents, namespaceFlag: 'github.com/acme/api' })).toEqual(['teams/all']);
    expect(parentsOf({ userParents: userParents.toReversed() })).toEqual(['teams/site']);
    expect(parentsOf({ userParents, parentsVariable: 'teams/x' })).toEqual(['teams/x']);
    expect(parentsOf({ userParents: [list('github.com/acme/web')] })).toEqual([]);
  });

  test('do not affect other projects', () => {
    expect(parentsOf({ userParents, namespaceFlag: 'github.com/other/web' })).toEqual(['github.com/other']);
    const context = derive({ config, userParents: [list('github.com/other/**', 'teams/site')] });
    expect(context.parents).toEqual(['teams/payments']);
    expect(context.claimed).toMatchObject({ needGrant: false });
  });

  test('give an untrusted run only its prefixes', () => {
    expect(parentsOf({ platform: ofFork, userParents })).toEqual([]);
    expect(contextWarnings(sourcesOf({ platform: ofFork, userParents }))).toEqual([
      'config.yaml:github.com/acme/web names teams/site: skipped in an untrusted run (T0)',
    ]);
    expect(parentsOf({ platform: ci, userParents })).toEqual(['teams/site']);
  });
});
