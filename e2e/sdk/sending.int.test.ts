import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineEvent } from '@cachelane/sdk';
import type { NodeEngine } from '@cachelane/sdk/node';
import { expect, test } from 'vitest';
import { openSdkWorld, type SdkWorld } from './sdk-world.fixture.ts';

// What an engine sends to a remote, and which remote it uses.

/** Creates a remote and returns its address. */
function remoteIn(on: SdkWorld, name: string): string {
  const dir = join(on.world.dir, name);
  mkdirSync(dir);
  return `dir:${dir}`;
}

async function save(engine: NodeEngine, key: string): Promise<void> {
  await using fork = await engine.attach([engine.cacheVolume(key)]);
  writeFileSync(join(fork.directory, key), key);
  await fork.commit();
}

/** Returns what a new machine finds in a volume of the project. */
async function foundElsewhere(on: SdkWorld, directory: string, key: string): Promise<string> {
  const data = join(on.world.dir, 'tmp/data');
  const env = { CACHELANE_HOME: join(on.world.dir, 'tmp', `machine-${(machines += 1)}`) };
  const found = await on.world.run(['ls', data], {
    cwd: directory,
    env,
    options: ['-v', `${key}:${data}`, '--mode', 'read'],
  });
  return found.stdout.trim();
}
let machines = 0;

test('saves are sent in the background, saves during a push are sent after it, and the engine finishes both before it ends', async () => {
  await using on = openSdkWorld();
  on.world.env['CACHELANE_REMOTE'] = remoteIn(on, 'remote');
  const directory = on.acme('web');
  const served = await on.serve('--keep');
  const engine = await on.session(directory);
  const events = engine.events();
  await events.opened;
  await save(engine, 'one');
  expect((await synced(events)).message).toBe('sent in the background');
  const there = { timeout: 120_000, interval: 500 };
  await expect.poll(async () => await foundElsewhere(on, directory, 'one'), there).toBe('one');
  for (const key of ['two', 'three', 'four']) await save(engine, key);
  await served.stop();
  await expect.poll(async () => await foundElsewhere(on, directory, 'four'), there).toBe('four');
});

async function synced(events: AsyncIterable<EngineEvent>): Promise<EngineEvent> {
  for await (const event of events) if (event.type === 'SYNCED') return event;
  throw new Error('nothing was synced');
}

test('a program that names another remote than its engine gets a warning, and nothing is written there', async () => {
  await using on = openSdkWorld();
  const [own, other] = [remoteIn(on, 'own'), remoteIn(on, 'other')];
  on.world.env['CACHELANE_REMOTE'] = own;
  const directory = on.acme('web');
  await on.serve('--keep');
  const warningsWith = async (more: Readonly<Record<string, string>>): Promise<readonly string[]> =>
    (await (await on.session(directory, { environment: { ...on.world.env, ...more } })).context()).warnings;
  expect(await warningsWith({})).toEqual([]);
  expect(await warningsWith({ CACHELANE_REMOTE: `${own}/` })).toEqual([]);
  const [warning, ...more] = await warningsWith({ CACHELANE_REMOTE: other, CACHELANE_PUSH: 'never' });
  expect(warning).toBe(
    `the engine ignores the program's CACHELANE_REMOTE and uses the remote ${own} (CACHELANE_REMOTE); to change that, give the program its own engine: cachelane serve -- PROGRAM`,
  );
  expect(more).toEqual([]);
  expect(await warningsWith({ CACHELANE_PUSH: 'never' })).toEqual([
    expect.stringContaining("the engine ignores the program's CACHELANE_PUSH and pushes background"),
  ]);
});

test('a program gets a warning about a remote that its engine cannot use, wherever the engine’s log goes', async () => {
  await using on = openSdkWorld();
  on.world.env['CACHELANE_REMOTE'] = 'ftp://cache.example';
  const directory = on.acme('web');
  await on.serve('--keep');
  const { warnings } = await (await on.session(directory)).context();
  expect(warnings).toEqual([expect.stringContaining('nothing is shared with other machines')]);
});
