import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openWorld } from './cli.fixture.ts';
import { ask, startEngine, type Asked } from './serve.fixture.ts';

test('what is explained is what a run here would read: in a confined session as far as it was granted, and nothing of what its files name since', async () => {
  using world = openWorld();
  const yaml = 'namespace: acme/web\nparents: [teams/payments]\n';
  const cwd = world.project('web', { 'cachelane.yaml': yaml });
  const engine = await startEngine(world, [], { cwd });
  const opened = await ask(engine, 'mutation { openSession(confine: true) { token } }');
  const { token } = (opened.answer.data as { openSession: { token: string } }).openSession;
  const query =
    '{ context { readChain { namespace lane } } cacheVolume(key: "npm") { explain { readChain { namespace lane } } } }';
  const confined = async (): Promise<Asked['answer']> =>
    (await ask(engine, query, { 'cachelane-session': token })).answer;
  const links = ['acme/web', 'teams/payments'].map((namespace) => ({ namespace, lane: 't1:local' }));
  const reads = (readChain: typeof links): object => ({
    context: { readChain },
    cacheVolume: { explain: { readChain } },
  });
  expect((await ask(engine, query)).answer).toEqual({ data: reads(links) });
  expect(await confined()).toEqual({ data: reads(links.slice(0, 1)) });
  const payments = ['--all', '-n', 'teams/payments', '--to', 'acme/web'];
  expect(await world.cachelane(['grant', ...payments], { cwd })).toMatchObject({ code: 0 });
  expect(await confined()).toEqual({ data: reads(links) });
  expect(await world.cachelane(['grant', 'rm', ...payments], { cwd })).toMatchObject({ code: 0 });
  expect(await confined()).toEqual({ data: reads(links.slice(0, 1)) });
  const readChain = links.slice(0, 1);
  writeFileSync(join(cwd, 'cachelane.yaml'), 'namespace: acme/secret\n');
  expect(await confined()).toMatchObject({
    data: { context: { readChain }, cacheVolume: { explain: null } },
    errors: [{ extensions: { code: 'E_CONFIG' } }],
  });
});
