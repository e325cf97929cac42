import { expect, test } from 'vitest';
import { recorder } from './confined.fixture.ts';
import { attachQuery, idOf, type ForkFacts } from '../mutations/mutations-killed.fixture.ts';
import { testWorld, type TestWorld } from '../execute/test-world.fixture.ts';

/*
 * Invariant: a confined session that saves gets the same answer, after the same work, whether a parent takes its save, has no room for it,
 * or does not exist, unless it may read the parent.
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

/** Returns what the session learns of a save from the answer and events, and the work done. */
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
  ['accepts its save', [] as readonly string[]],
  ['has no room for its save', ['namespace-size', 'volume-size']],
])('a tier that %s looks like a missing one, with the same work', async (_, limits) => {
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

test('a readable tier gets its saves while the grant lasts; the next unconfined run feeds the other tiers', async () => {
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
