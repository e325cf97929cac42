import { parseNamespace } from '@cachelane/core';
import { countingIds, noAbort, openRequest } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { testWorld, type TestWorld } from '../execute/test-world.fixture.ts';

async function volumeId(on: TestWorld, key = 'npm'): Promise<string> {
  const { cacheVolume } = await on.data('query ($key: String!) { cacheVolume(key: $key) { id } }', {
    variables: { key },
  });
  return (cacheVolume as { readonly id: string }).id;
}

const generations = async (on: TestWorld): Promise<unknown> =>
  await on.data('{ cacheVolume(key: "npm") { head { generation entries { nodes { path } } } } }');

describe('a rollback', () => {
  const rollback =
    'mutation ($volume: ID!, $key: String, $dryRun: Boolean! = false) { rollback(volume: $volume, key: $key, dryRun: $dryRun) { from to generation keptOnTop } }';

  test('without an effect undoes nothing when it is repeated', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    const variables = { volume: await volumeId(on), key: 'deploy-7' };
    const first =
      'mutation ($volume: ID!, $key: String) { rollback(volume: $volume, key: $key, generation: 1) { from to generation } }';
    const done = { rollback: { from: 1, to: 1, generation: 2 } };
    expect(await on.data(first, { variables })).toEqual(done);
    await on.save('/web', 'npm', { b: '1' });
    expect(await on.data(first, { variables })).toEqual(done);
    const nothing = first
      .replace('key: $key, ', '')
      .replace(', $key: String', '')
      .replace('generation: 1', 'generation: 3');
    expect(await on.data(nothing, { variables: { volume: variables.volume } })).toEqual({
      rollback: { from: 3, to: 3, generation: null },
    });
    expect(await generations(on)).toEqual({
      cacheVolume: { head: { generation: 3, entries: { nodes: [{ path: 'a' }, { path: 'b' }] } } },
    });
  });

  test.each([4, 5, 6, 9])('is repeated correctly, also after squashes, after %i saves', async (saves) => {
    await using on = testWorld();
    for (let count = 1; count <= saves; count++) await on.save('/web', 'npm', { [`f${count}`]: '1' });
    const variables = { volume: await volumeId(on), key: 'deploy-7' };
    const done = await on.data(rollback, { variables });
    expect(done).toEqual({ rollback: { from: saves, to: saves - 1, generation: saves + 1, keptOnTop: 0 } });
    expect(await on.data(rollback, { variables })).toEqual(done);
  });

  test('restores an earlier state, and is one change under one key', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    await on.save('/web', 'npm', { b: '1' });
    const volume = await volumeId(on);
    const variables = { volume, key: 'deploy-7' };
    expect(await on.data(rollback, { variables: { ...variables, dryRun: true } })).toEqual({
      rollback: { from: 2, to: 1, generation: null, keptOnTop: 0 },
    });
    const done = { rollback: { from: 2, to: 1, generation: 3, keptOnTop: 0 } };
    expect(await on.data(rollback, { variables })).toEqual(done);
    expect(await on.data(rollback, { variables })).toEqual(done);
    expect(await generations(on)).toEqual({
      cacheVolume: { head: { generation: 3, entries: { nodes: [{ path: 'a' }] } } },
    });
    const other =
      'mutation ($volume: ID!, $key: String) { rollback(volume: $volume, key: $key, generation: 2) { to } }';
    expect(await on.data(other, { variables })).toEqual({ rollback: { to: 2 } });
    await on.data('mutation ($volume: ID!) { rollback(volume: $volume, generation: 1) { to } }', { variables });
    // Another key is another change: it undoes the first one.
    expect(await on.data(rollback, { variables: { volume, key: 'deploy-8' } })).toMatchObject({
      rollback: { generation: 6 },
    });
  });

  test('is refused on a read-only lane, and for an invalid key', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    const volume = await volumeId(on);
    const { openSession } = (await on.data('mutation { openSession(directory: "/fork") { token } }')) as {
      openSession: { token: string };
    };
    for (const field of ['rollback', 'remove', 'prune']) {
      const query = `mutation ($volume: ID!) { ${field}(volume: $volume) { __typename } }`;
      const { errors } = await on.ask(query, { variables: { volume }, session: openSession.token });
      expect(errors?.[0]).toMatchObject({
        message: expect.stringContaining('may not be written'),
        extensions: { code: 'E_USAGE' },
      });
    }
    const { errors } = await on.ask(rollback, { variables: { volume, key: '' } });
    expect(errors?.[0]?.extensions.code).toBe('E_USAGE');
  });
});

const remove = (args: string): string =>
  `mutation ($volume: ID!) { remove(volume: $volume${args}) { lane generation layers sizeBytes } }`;

describe('a removal', () => {
  test('lists the heads in a dry run, and removes them', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    const variables = { volume: await volumeId(on) };
    const what = { remove: [{ lane: 't1:local', generation: 1, layers: 1, sizeBytes: 1 }] };
    expect(await on.data(remove(', dryRun: true'), { variables })).toEqual(what);
    expect(await on.data(remove(''), { variables })).toEqual(what);
    expect(await generations(on)).toEqual({ cacheVolume: { head: null } });
    for (const args of ['', ', allLanes: true', ', lane: "t1:pr:1"']) {
      expect(await on.data(remove(args), { variables })).toEqual({ remove: [] });
    }
    const unknown = await on.ask(remove(''), { variables: { volume: 'none' } });
    expect(unknown.errors?.[0]?.extensions.code).toBe('E_NOT_FOUND');
    const both = await on.ask(remove(', lane: "t1:pr:1", allLanes: true'), { variables });
    expect(both.errors?.[0]?.extensions.code).toBe('E_USAGE');
  });
});

describe('a clean-up', () => {
  test('names its command, and is refused for a tool without one', async () => {
    await using on = testWorld();
    const prune = 'mutation ($volume: ID!) { prune(volume: $volume, dryRun: true) { command saved { layer } } }';
    expect(await on.data(prune, { variables: { volume: await volumeId(on) } })).toEqual({
      prune: { command: ['npm', 'cache', 'verify'], saved: null },
    });
    const { errors } = await on.ask(prune, { variables: { volume: await volumeId(on, 'data') } });
    expect(errors?.[0]?.extensions.code).toBe('E_USAGE');
  });
});

describe('policies', () => {
  test('are set for a namespace in canonical form, and unset', async () => {
    await using on = testWorld();
    const of = async (value: string): Promise<unknown> => {
      const data = await on.data(`mutation { setPolicy(key: "keep-branch", value: ${value}) { key value source } }`);
      return (data['setPolicy'] as readonly { readonly key: string }[]).find(({ key }) => key === 'keep-branch');
    };
    expect(await of('"72h"')).toEqual({
      key: 'keep-branch',
      value: '3d',
      source: 'cachelane ns policy github.com/acme/web',
    });
    expect(await of('null')).toEqual({ key: 'keep-branch', value: '14d', source: 'default' });
  });

  test.each([
    ['keep-forever', '1d', 'E_USAGE'],
    ['store-size', '1GiB', 'E_USAGE'],
    ['keep-branch', 'a while', 'E_USAGE'],
  ])('%s: %s is refused', async (key, value, code) => {
    await using on = testWorld();
    const { data, errors } = await on.ask(`mutation { setPolicy(key: "${key}", value: "${value}") { key } }`);
    expect([data, errors?.[0]?.extensions.code]).toEqual([{ setPolicy: null }, code]);
  });
});

const create = (path: string, dryRun = false): string =>
  `mutation { createNamespace(path: "${path}", dryRun: ${dryRun}) { namespace isNew } }`;

describe('a namespace', () => {
  const listed = '{ namespaces(under: "teams") { nodes { path aliases volumes { nodes { key } } } } }';

  test('is created without volumes; repeating it changes nothing', async () => {
    await using on = testWorld();
    const made = { createNamespace: { namespace: 'teams/site', isNew: true } };
    expect(await on.data(create('teams/site', true))).toEqual(made);
    expect(await on.data(listed)).toEqual({ namespaces: { nodes: [] } });
    expect(await on.data(create('teams/site'))).toEqual(made);
    const there = { createNamespace: { namespace: 'teams/site', isNew: false } };
    for (const dryRun of [true, false]) expect(await on.data(create('teams/site', dryRun))).toEqual(there);
    expect(await on.data(listed)).toEqual({
      namespaces: { nodes: [{ path: 'teams/site', aliases: [], volumes: { nodes: [] } }] },
    });
    await on.data('mutation { setPolicy(namespace: "teams/site", key: "keep-pr", value: "1d") { key } }');
    const { namespace } = await on.data('{ namespace(path: "teams/site") { policies { key value } } }');
    expect(namespace).toMatchObject({ policies: expect.arrayContaining([{ key: 'keep-pr', value: '1d' }]) });
  });

  test('outlives the session that created it, and those that use it', async () => {
    await using on = testWorld();
    const { openSession } = await on.data('mutation { openSession(directory: "/api") { token } }');
    const { token: session } = openSession as { readonly token: string };
    await on.data(create('teams/site'), { session });
    await on.data('mutation { closeSession }', { session });
    const { metadata } = on.world.deps;
    const run = openRequest(countingIds(), { namespace: parseNamespace('teams/site') });
    await metadata.openSession(run, noAbort);
    await metadata.closeSession(run.sessionId, () => undefined, noAbort);
    expect(await on.data(listed)).toMatchObject({ namespaces: { nodes: [{ path: 'teams/site' }] } });
  });

  test('that was renamed is shown with its present name', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    await on.data(rename(false));
    expect(await on.data(create('github.com/acme/web'))).toEqual({
      createNamespace: { namespace: 'teams/site', isNew: false },
    });
  });

  test('is refused with a name that is not canonical, in a confined session, and on a read-only lane', async () => {
    await using on = testWorld();
    const [error] = (await on.ask(create('GitHub.com/Acme/Web'))).errors ?? [];
    expect(error?.extensions).toMatchObject({ code: 'E_NAMESPACE', hint: 'write it like this: github.com/acme/web' });
    for (const args of ['directory: "/web", namespace: "github.com/acme/web", confine: true', 'directory: "/fork"']) {
      const { openSession } = await on.data(`mutation { openSession(${args}) { token } }`);
      const { token: session } = openSession as { readonly token: string };
      const { errors } = await on.ask(create('github.com/acme/web'), { session });
      expect(errors?.[0]?.extensions.code).toBe('E_USAGE');
    }
    expect(await on.data('{ namespaces { nodes { path } } }')).toEqual({ namespaces: { nodes: [] } });
  });
});

const rename = (dryRun: boolean): string =>
  `mutation { renameNamespace(from: "github.com/acme/web", to: "teams/site", dryRun: ${dryRun}) { namespace volumes } }`;

describe('a rename', () => {
  test('moves nothing, and both names work', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    expect(await on.data(rename(true))).toEqual({ renameNamespace: { namespace: 'teams/site', volumes: ['npm'] } });
    expect(await on.data('{ namespace(path: "teams/site") { id } }')).toEqual({ namespace: null });
    await on.data(rename(false));
    for (const path of ['teams/site', 'github.com/acme/web']) {
      expect(await on.data(`{ namespace(path: "${path}") { path aliases } }`)).toEqual({
        namespace: { path: 'teams/site', aliases: ['github.com/acme/web'] },
      });
    }
    expect(await generations(on)).toMatchObject({ cacheVolume: { head: { generation: 1 } } });
  });

  test('to a name with volumes is refused; earlier fields of the document stay done', async () => {
    await using on = testWorld();
    for (const directory of ['/web', '/api']) await on.save(directory, 'npm', { a: '1' });
    const { data, errors } = await on.ask(`mutation {
      setPolicy(key: "keep-pr", value: "1d") { key }
      renameNamespace(from: "github.com/acme/web", to: "github.com/acme/api") { namespace }
    }`);
    expect(errors?.[0]?.extensions.code).toBe('E_NAMESPACE');
    expect(data).toMatchObject({ setPolicy: expect.arrayContaining([{ key: 'keep-pr' }]), renameNamespace: null });
  });
});
