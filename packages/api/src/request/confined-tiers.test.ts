import { expect, test } from 'vitest';
import { recorder } from './confined.fixture.ts';
import { attachQuery, idOf, type ForkFacts } from '../mutations/mutations-killed.fixture.ts';
import { testWorld, type TestWorld } from '../execute/test-world.fixture.ts';

/*
 * A confined session saves, and a namespace that its project names as a parent takes what the project saves, or has no room for it, or is not there. It is told the same, and the same is done for it, unless it may read that one.
 */

const web = 'github.com/acme/web';
const tier = 'github.com/acme/tier';
const noAbort = new AbortController().signal;

interface Stage {
  readonly on: TestWorld;
  readonly calls: string[];
  readonly session: string;
}

async function stage(): Promise<Stage> {
  const { life, calls } = recorder();
  const on = testWorld({ life, parents: [tier] });
  await on.save('/web', 'npm', { a: '1' });
  const place = `directory: "/web", namespace: "${web}"`;
  const { openSession } = await on.data(`mutation { openSession(${place}, confine: true) { token } }`);
  return { on, calls, session: (openSession as { readonly token: string }).token };
}

/** What it is told of a save, by the answer and by events, and what is done for that. */
async function saving({ on, calls, session }: Stage, file: string): Promise<object> {
  const ending = new AbortController();
  const operation = { query: 'subscription { events { type code message hint } }', variables: {}, operationName: null };
  const events = on.api.stream(operation, session, ending.signal);
  const heard = events.next();
  const volumes = [{ volume: await idOf(on, 'npm') }];
  calls.length = 0;
  const { attach } = await on.data(attachQuery, { variables: { volumes }, session });
  const { id, volumes: opened } = attach as ForkFacts;
  on.directory(opened[0]?.directory ?? '').write(file, '1');
  const query =
    'mutation ($fork: ID!) { commit(fork: $fork) { key added changed removed savedBytes merged conflicts { path } skipped } }';
  const answer = await on.ask(query, { variables: { fork: id }, session });
  const done = [...calls];
  const told = [(await heard).value as unknown];
  const limit = 20;
  while (told.length < limit && !JSON.stringify(told.at(-1)).includes('"SAVED"'))
    told.push((await events.next()).value);
  ending.abort();
  return { answer, told, done };
}

const held = async (on: TestWorld): Promise<unknown> =>
  (await on.data(`{ cacheVolume(key: "npm", namespace: "${tier}") { heads { generation } } }`))['cacheVolume'];

async function follow(on: TestWorld): Promise<void> {
  await on.data(`mutation { addFeed(namespace: "${tier}", from: "${web}") { by } }`);
}

test.each([
  ['takes it', [] as readonly string[]],
  ['has no room for it', ['namespace-size', 'volume-size']],
])('a tier that %s is told and looked at as one that is not there', async (_, limits) => {
  const there = await stage();
  await using on = there.on;
  await on.save('/tier', 'npm', { b: 'theirs' });
  await follow(on);
  for (const key of limits)
    await on.data(`mutation { setPolicy(namespace: "${tier}", key: "${key}", value: "1B") { key } }`);
  const before = await held(on);
  const none = await stage();
  await using nobody = none.on;
  expect(await saving(there, 'c')).toEqual(await saving(none, 'c'));
  expect(await held(on)).toEqual(before);
  expect(await held(nobody)).toEqual({ heads: [] });
});

test('a tier that it may read takes what it saves, as long as it may, and the others get it from the next run that is not confined', async () => {
  const there = await stage();
  await using on = there.on;
  await follow(on);
  const grant = `namespace: "${tier}", key: "npm", to: "${web}"`;
  await on.data(`mutation { grant(${grant}) { by } }`);
  await saving(there, 'c');
  expect(await held(on)).toEqual({ heads: [{ generation: 1 }] });
  await on.data(`mutation { withdrawGrant(${grant}) { key } }`);
  await saving(there, 'd');
  expect(await held(on)).toEqual({ heads: [{ generation: 1 }] });
  await on.save('/web', 'npm', { e: '1' });
  expect(await held(on)).toEqual({ heads: [{ generation: 2 }] });
  const { metadata } = on.world.deps;
  const heads = await metadata.listHeads(noAbort);
  expect(new Set(heads.map(({ layers }) => layers.length)).size).toBe(1);
});
