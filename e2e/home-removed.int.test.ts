import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSdkWorld } from './sdk/sdk-world.fixture.ts';
import { ask, startEngine } from './serve.fixture.ts';

// The home of a running engine is removed.

test('the engine attaches and commits nothing more and ends with a reason; the next engine keeps its socket', async () => {
  await using on = openSdkWorld();
  const { world } = on;
  const old = await startEngine(world, ['--keep'], { cwd: on.acme('web') });
  const { address } = old;
  const client = await on.session(on.acme('web'), { address });
  const data = client.cacheVolume('data');
  const fork = await client.attach([data]);
  writeFileSync(join(fork.directory, 'a'), 'a');
  rmSync(world.store, { recursive: true });
  const lost = { code: 'E_HOME_UNUSABLE', message: expect.stringContaining('was removed while it was in use') };
  await expect(fork.commit()).rejects.toMatchObject(lost);
  await expect(client.attach([data])).rejects.toMatchObject(lost);
  await expect(client.run(['true'], { volumes: [client.cacheVolume('npm')] })).rejects.toMatchObject(lost);
  await expect(data.heads()).rejects.toMatchObject(lost);
  expect(existsSync(world.store)).toBe(false);

  const next = await startEngine(world, ['--keep']);
  expect(await old.started.finished).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/was (removed|replaced) while it was in use/),
  });
  expect((await ask(next, '{ context { namespace } }')).status).toBe(200);
  next.started.child.kill('SIGTERM');
  expect(await next.started.finished).toMatchObject({ code: 0, stderr: '' });
  expect(existsSync(address.slice('unix:'.length))).toBe(false);
});
