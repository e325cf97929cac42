import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSdkWorld, pathsOf } from './sdk-world.fixture.ts';

test('a killed engine loses its forks but no saved changes, and the next engine continues', async () => {
  await using on = openSdkWorld();
  const { pid } = await on.serve();
  const directory = on.acme('web');
  const engine = await on.session(directory);
  const data = engine.cacheVolume('data');
  for (const name of ['a', 'b']) {
    await using fork = await engine.attach([data]);
    writeFileSync(join(fork.directory, name), name);
    await fork.commit();
  }
  const done = await data.rollback({ key: 'once' });
  const work = async (): Promise<void> => {
    await using fork = await engine.attach([data]);
    writeFileSync(join(fork.directory, 'lost'), 'lost');
    const events = engine.events();
    await events.opened;
    process.kill(pid, 'SIGKILL');
    await expect(events.next()).rejects.toMatchObject({ code: 'E_ENGINE_GONE' });
    await fork.commit();
  };
  await expect(work()).rejects.toMatchObject({ code: 'E_ENGINE_GONE' });

  await on.serve();
  // The same objects work with a new session, and repeat the same change.
  expect(await data.rollback({ key: 'once' })).toEqual(done);
  expect(await pathsOf(data.entries())).toEqual(['a']);
  await using fork = await engine.attach([engine.cacheVolume('data', { sharing: 'LOCKED' })], {
    lockTimeoutSeconds: 0,
  });
  expect(fork.volumes).toHaveLength(1);
});

test('the next engine reports that a fork of a stopped engine saved nothing', async () => {
  await using on = openSdkWorld();
  const first = await on.serve();
  const engine = await on.session(on.acme('web'));
  const fork = await engine.attach([engine.cacheVolume('data')]);
  const events = engine.events();
  await events.opened;
  const next = events.next();
  next.catch(() => undefined);
  const stopped = await first.stop();
  await expect(next).rejects.toMatchObject({ code: 'E_ENGINE_GONE' });
  expect(stopped).toMatchObject({ code: 0, stderr: '' });
  await on.serve();
  await expect(fork.commit()).rejects.toMatchObject({ code: 'E_NOT_SAVED', message: expect.stringContaining('data') });
  await fork[Symbol.asyncDispose]();
  expect(await engine.query('{ sessions { id } }')).toEqual({ sessions: [] });
});
