import { parseNamespace } from '@cachelane/core';
import { schemaText } from '@cachelane/protocol';
import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { cases, harmless, type Asking } from './confined-cases.fixture.ts';
import { idsOf, needsNothing, recorder, selected, textArguments, type Target } from './confined.fixture.ts';
import { idOf } from '../mutations/mutations-killed.fixture.ts';
import { testWorld, type TestWorld } from '../execute/test-world.fixture.ts';

/*
 * Invariant: a confined session that asks about existing objects without a grant, or about missing ones, by name, id or digest, gets
 * exactly the same answer after the same work.
 */

const schema = buildSchema(schemaText);
const noAbort = new AbortController().signal;

const web = 'github.com/acme/web';
const shared = 'github.com/acme/shared';
const parent = 'github.com/acme';

interface Stage {
  readonly on: TestWorld;
  readonly calls: string[];
  readonly session: string;
  readonly own: string;
}

async function openConfined(on: TestWorld): Promise<string> {
  const { openSession } = await on.data(
    'mutation { openSession(directory: "/web", namespace: "github.com/acme/web", confine: true) { token } }',
  );
  return (openSession as { readonly token: string }).token;
}

/** Its own volumes, and one that another namespace granted. */
async function ownWorld(): Promise<Stage> {
  const { life, calls } = recorder();
  const on = testWorld({ life, parents: [shared, parent] });
  await on.save('/web', 'npm', { a: '1' });
  await on.save('/shared', 'npm', { a: '1' });
  await on.data(`mutation { grant(namespace: "${shared}", key: "npm", to: "${web}") { by } }`);
  for (const namespace of [web, parent]) await offer(on, namespace);
  await useOffered(on, '/web');
  return { on, calls, session: await openConfined(on), own: await idOf(on, 'npm') };
}

async function offer(on: TestWorld, namespace: string): Promise<void> {
  const definitions =
    '{ name: "npm" }, { name: "npm-cache", tool: "npm" }, { name: "wheels", tool: "npm", tier: CATALOG }';
  const content = `content: { definitions: [${definitions}] }`;
  await on.data(`mutation { publishCatalog(namespace: "${namespace}", ${content}) { version } }`);
}

async function useOffered(on: TestWorld, directory: string): Promise<void> {
  const { openSession } = await on.data(`mutation { openSession(directory: "${directory}") { token } }`);
  const { token: session } = openSession as { readonly token: string };
  const query = `{ catalog(namespace: "${parent}") { cacheVolume(name: "npm-cache") { id } } }`;
  const { catalog } = await on.data(query, { session });
  const { id } = (catalog as { readonly cacheVolume: { readonly id: string } }).cacheVolume;
  const attach = 'mutation ($id: ID!) { attach(volumes: [{ volume: $id }]) { id } }';
  const { attach: fork } = await on.data(attach, { variables: { id }, session });
  const { id: opened } = fork as { readonly id: string };
  await on.data('mutation ($fork: ID!) { discard(fork: $fork) }', { variables: { fork: opened }, session });
  await on.data('mutation { closeSession }', { session });
}

/** What the session must not learn. */
async function othersMove(on: TestWorld): Promise<void> {
  for (const key of ['npm', 'pip', 'data']) await on.save('/secret', key, { a: 'theirs' });
  for (const key of ['pip', 'data']) await on.save('/shared', key, { a: 'theirs' });
  await on.data(`mutation { setPolicy(namespace: "github.com/acme/secret", key: "keep-pr", value: "1d") { key } }`);
  await on.data(`mutation { grant(namespace: "github.com/acme/secret", all: true, to: "teams/x") { by } }`);
  await on.data(`mutation { grant(namespace: "${shared}", key: "pip", to: "github.com/acme/secret") { by } }`);
  await on.data(`mutation { grant(namespace: "${shared}", key: "npm", to: "github.com/acme/secret") { by } }`);
  await on.data(`mutation { addFeed(namespace: "${shared}", from: "github.com/acme/secret") { by } }`);
  for (const namespace of ['github.com/acme/secret', shared]) await offer(on, namespace);
  await useOffered(on, '/secret');
  const { openSession } = await on.data('mutation { openSession(directory: "/secret") { token } }');
  const { token: session } = openSession as { readonly token: string };
  const volumes = [{ volume: await idOf(on, 'npm', 'github.com/acme/secret'), sharing: 'LOCKED' }];
  await on.data('mutation ($volumes: [AttachInput!]!) { attach(volumes: $volumes) { id } }', {
    variables: { volumes },
    session,
  });
}

async function targetOf(on: TestWorld, [namespace, key]: readonly [string, string]): Promise<Target> {
  const { metadata } = on.world.deps;
  const record = await metadata.findNamespace(parseNamespace(namespace), noAbort);
  const volumes = record === undefined ? [] : await metadata.volumesOf(record.id, noAbort);
  const volume = volumes.find(({ name }) => name === key);
  const [head] = volume === undefined ? [] : await metadata.headsOf([volume.id], noAbort);
  const [session] = (await metadata.listSessions(noAbort)).filter(({ namespaceId }) => namespaceId === record?.id);
  const none = { layer: '0'.repeat(64), session: `ses_${'0'.repeat(32)}`, run: `run_${'0'.repeat(32)}` };
  return {
    namespace,
    key,
    compat: volume?.compat ?? (key === 'npm' || key === 'nop' ? { os: 'linux' } : {}),
    layer: head?.layers[0] ?? none.layer,
    session: session?.id ?? none.session,
    run: session?.run ?? head?.run ?? none.run,
  };
}

interface Told {
  readonly text: string;
  readonly calls: readonly string[];
}

async function tell({ on, calls, session, own }: Stage, asking: Asking, target: Target): Promise<Told> {
  const { query, variables = {} } = asking(target, idsOf(target, own), own);
  calls.length = 0;
  const answer = await on.ask(query, { variables, session });
  return { text: JSON.stringify(answer), calls: [...calls] };
}

test('every argument that can name an object has a case', () => {
  const named = [...Object.keys(cases).map((name) => name.replace(/\).*/, ')')), ...Object.keys(harmless)];
  expect([...new Set(named)].toSorted()).toEqual([...new Set(textArguments(schema))].toSorted());
});

const parts = ['namespace', 'key', 'layer', 'session', 'run'] as const;

/** Existing objects first; missing ones have names of the same length. */
const pairs = [
  { what: 'a namespace', there: ['github.com/acme/secret', 'npm'], none: ['github.com/acme/nobody', 'npm'] },
  { what: 'a volume of one that shares another one', there: [shared, 'pip'], none: [shared, 'pop'] },
] as const;

describe.each(pairs)('an existing $what and a missing one', ({ there, none }) => {
  test('give the same answers after the same work, for any query', async () => {
    const stage = await ownWorld();
    await using on = stage.on;
    await othersMove(on);
    const found = await targetOf(on, there);
    const missing = await targetOf(on, none);
    expect(found.layer).not.toBe(missing.layer);
    for (const [name, asking] of Object.entries(cases)) {
      const before = await tell(stage, asking, missing);
      const told = await tell(stage, asking, found);
      const text = parts.reduce((all, part) => all.replaceAll(found[part], missing[part]), told.text);
      expect({ name, ...told, text }).toEqual({ name, ...before });
      expect(await tell(stage, asking, missing), name).toEqual(before);
    }
  });
});

test('granted objects are visible by name and id, with layers and in all queries', async () => {
  const { on: world, session, own } = await ownWorld();
  await using on = world;
  const target = await targetOf(on, [shared, 'npm']);
  const { volume, head, layer } = idsOf(target, own);
  for (const [id, type] of [
    [volume, 'CacheVolume'],
    [head, 'Head'],
    [layer, 'Layer'],
  ] as const) {
    const query = 'query ($id: ID!) { node(id: $id) { __typename } }';
    expect(await on.data(query, { variables: { id }, session })).toEqual({ node: { __typename: type } });
  }
  const listed = '{ volumes { nodes { namespace key } } usage { namespace volumes } namespaces { nodes { path } } }';
  expect(await on.data(listed, { session })).toEqual({
    volumes: { nodes: [shared, web].map((namespace) => ({ namespace, key: 'npm' })) },
    usage: [shared, web].map((namespace) => ({ namespace, volumes: 1 })),
    namespaces: { nodes: [{ path: web }] },
  });
});

/** Everything that is visible without naming anything. */
const everything = Object.values(schema.getQueryType()?.getFields() ?? {})
  .filter(needsNothing)
  .map((field) => [field.name, `{ ${selected(field, 4)} }`] as const);

test("other projects' changes do not affect answers without names, nor their work", async () => {
  const stage = await ownWorld();
  await using on = stage.on;
  const all = async (): Promise<readonly unknown[]> => {
    const told: unknown[] = [];
    for (const [name, query] of everything) told.push([name, await tell(stage, () => ({ query }), nobody)]);
    return told;
  };
  const nobody = await targetOf(on, ['github.com/acme/nobody', 'npm']);
  // Lists are read once and cached.
  await all();
  const before = await all();
  expect(JSON.stringify(before)).toContain(shared);
  expect(JSON.stringify(before)).not.toContain('E_');
  await othersMove(on);
  expect(await all()).toEqual(before);
});
