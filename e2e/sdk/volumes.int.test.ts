import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectTo } from '@cachelane/sdk';
import { describe, expect, test } from 'vitest';
import { openSdkWorld, pathsOf } from './sdk-world.fixture.ts';

async function refusalOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => new Error('the call did not fail'),
    (thrown: unknown) => thrown as Error & { readonly code: string },
  );
  return `${'code' in error ? error.code : ''} ${error.message}`;
}

describe('volumes of several projects on one engine', () => {
  test('are separate, unless one program passes its volume to another', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const [web, api] = [await on.session(on.acme('web')), await on.session(on.acme('api'))];
    await web.run(['sh', '-c', 'echo web > "$DIR/by-web"'], {
      volumes: [{ volume: web.cacheVolume('npm'), variable: 'DIR' }],
    });
    expect(await pathsOf(web.cacheVolume('npm').entries())).toEqual(['by-web']);
    expect(await api.cacheVolume('npm').heads()).toEqual([]);
    const id = await web.cacheVolume('npm').id();
    expect(await api.cacheVolume('npm').id()).not.toBe(id);

    const passed = api.volume(id);
    expect(await passed.info()).toMatchObject({ key: 'npm', namespace: 'github.com/acme/web' });
    expect(await pathsOf(passed.entries({ lane: 't1:local' }))).toEqual(['by-web']);
    expect(await api.cacheVolume('npm').in('github.com/acme/web').id()).toBe(id);
    expect(await api.withNamespace('github.com/acme/web').cacheVolume('npm').sizeBytes()).toBe(4);
    const known = [];
    for await (const { namespace, key } of api.volumes({ under: 'github.com/acme' })) known.push([namespace, key]);
    expect(known).toEqual([['github.com/acme/web', 'npm']]);
  });

  test('use the lanes and paths from each program’s environment', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const web = on.acme('web');
    const environment = { HOME: on.world.home, PATH: on.world.env['PATH'] };
    const pullRequest = {
      ...environment,
      GITLAB_CI: 'true',
      CI_PIPELINE_SOURCE: 'push',
      CI_COMMIT_REF_NAME: 'feature',
      CI_COMMIT_BRANCH: 'feature',
      npm_config_cache: join(on.world.home, 'elsewhere'),
    };
    const [plain, inCi] = [await on.session(web, { environment }), await on.session(web, { environment: pullRequest })];
    expect((await plain.context()).lane).toBe('t1:local');
    expect((await inCi.context()).lane).toBe('t1:ref:feature');
    expect((await plain.cacheVolume('npm').explain())?.path).toBe(join(on.world.home, '.npm'));
    expect((await inCi.cacheVolume('npm').explain())?.path).toBe(join(on.world.home, 'elsewhere'));
  });

  test('are hidden from a confined session, whether they exist or not', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const web = await on.session(on.acme('web'));
    const api = await on.session(on.acme('api'), { namespace: 'github.com/acme/api', confine: true });
    await web.run(['sh', '-c', 'echo web > "$DIR/by-web"'], {
      volumes: [{ volume: web.cacheVolume('npm'), variable: 'DIR' }],
    });
    const npm = api.cacheVolume('npm');
    const there = await refusalOf(npm.in('github.com/acme/web').id());
    const missing = await refusalOf(npm.in('github.com/acme/none').id());
    expect(there).toMatch(/^E_NOT_FOUND /);
    expect(there.replace('/web', '/none')).toBe(missing);
    const noId = await web.cacheVolume('npm').in('github.com/acme/none').id();
    const ids = [await web.cacheVolume('npm').id(), noId];
    for (const ask of [(id: string) => api.volume(id).heads(), (id: string) => api.attach([api.volume(id)])]) {
      const [one, other] = await Promise.all(ids.map(async (id) => await refusalOf(ask(id))));
      expect(one).toMatch(/^E_NOT_FOUND /);
      expect(one?.replace('/web', '/none')).toBe(other);
    }
    expect(await npm.id()).not.toBe('');
  });

  test('are reachable through a port with fetch alone', async () => {
    await using on = openSdkWorld();
    const { address, token } = await on.serve('--listen', '127.0.0.1:0');
    const directory = on.acme('web');
    await using engine = await connectTo({ address, token: token ?? '', directory });
    expect(await engine.context()).toMatchObject({ namespace: 'github.com/acme/web', lane: 't1:local' });
    const events = engine.events();
    await events.opened;
    await using fork = await engine.attach([engine.cacheVolume('data')]);
    writeFileSync(join(fork.directory, 'a'), 'a');
    expect(await fork.commit()).toMatchObject([{ key: 'data', added: 1, skipped: null }]);
    const types = [];
    for await (const { type } of events) {
      types.push(type);
      if (type === 'SAVED') break;
    }
    expect(types).toContain('ATTACHED');
    await expect(connectTo({ address, token: 'wrong' })).rejects.toMatchObject({ code: 'E_ENGINE_DENIED' });
  });
});

describe('a volume', () => {
  test('can be inspected, rolled back and removed', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const engine = await on.session(on.acme('web'));
    const data = engine.cacheVolume('data');
    for (const name of ['a', 'b']) {
      await using fork = await engine.attach([data]);
      for (let index = 0; index < 30; index++) writeFileSync(join(fork.directory, `${name}${index}`), name);
      await fork.commit();
    }
    expect(await pathsOf(data.entries({ pageSize: 7 }))).toHaveLength(60);
    expect(await pathsOf(data.entries({ under: 'b3' }))).toEqual(['b3']);
    expect(await data.blame('b3')).toMatchObject([{ isSeen: true, lane: 't1:local', entry: { path: 'b3' } }]);
    expect(await data.head()).toMatchObject({ generation: 2, files: 60, sizeBytes: 60 });
    expect(await data.usage()).toMatchObject({ sizeBytes: 60, heads: [{ lane: 't1:local', generation: 2 }] });
    expect((await data.snapshots()).map(({ generation, added }) => [generation, added])).toEqual([
      [2, 30],
      [1, 30],
    ]);
    expect(await engine.usage()).toMatchObject([{ namespace: 'github.com/acme/web', volumes: 1, sizeBytes: 60 }]);
    expect(await engine.cacheVolume('npm').prune({ dryRun: true })).toMatchObject({ saved: null });
    expect(await engine.usage({ by: 'LANE' })).toMatchObject([{ lane: 't1:local', heads: 1 }]);
    expect((await engine.cacheVolume('npm').explain())?.path).toBe(join(on.world.home, '.npm'));

    const once = { from: 2, to: 1, generation: 3 };
    expect(await data.rollback({ dryRun: true })).toMatchObject({ from: 2, to: 1, generation: null });
    expect(await data.rollback({ key: 'deploy-7' })).toMatchObject(once);
    expect(await data.rollback({ key: 'deploy-7' })).toMatchObject(once);
    expect(await pathsOf(data.entries())).toHaveLength(30);
    expect(await data.remove()).toMatchObject([{ lane: 't1:local', generation: 3 }]);
    expect(await data.head()).toBeNull();
    expect(await data.remove()).toEqual([]);
  });

  test('requested in two ways is one volume, with a warning', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const engine = await on.session(on.acme('web'));
    const asked = (['SHARED', 'PRIVATE', 'LOCKED'] as const).map((sharing) => engine.cacheVolume('data', { sharing }));
    const infos = [];
    for (const volume of asked) infos.push(await volume.info());
    expect(new Set(infos.map(({ id }) => id)).size).toBe(1);
    expect(infos.map(({ warnings }) => warnings.length)).toEqual([0, 1, 1]);
    const other = engine.cacheVolume('data', { compat: { image: 'alpine' } });
    expect(await other.id()).not.toBe(infos[0]?.id);
  });
});

describe('a command', () => {
  test('that fails saves only what its tool leaves complete, and its output can be captured', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const engine = await on.session(on.acme('web'));
    const volumes = [{ volume: engine.cacheVolume('data'), variable: 'DIR' }];
    const failing = ['sh', '-c', 'echo out; echo err >&2; echo x > "$DIR/x"; exit 3'];
    const failed = engine.run(failing, { volumes, stdio: 'capture' });
    const result = { exitCode: 3, signal: null, stdout: 'out\n', stderr: 'err\n', leftovers: [] };
    await expect(failed).rejects.toMatchObject({ name: 'CachelaneError', code: 'E_COMMAND', result });
    const skipped = 'the command failed with exit code 3';
    expect(await engine.run(failing, { volumes, stdio: 'capture', allowFailure: true })).toMatchObject({
      ...result,
      saved: [{ key: 'data', layer: null, skipped }],
    });
    await expect(engine.run(['/no/such/program'], { volumes })).rejects.toMatchObject({ code: 'E_COMMAND' });
    expect(await engine.cacheVolume('data').heads()).toEqual([]);

    const npm = engine.cacheVolume('npm');
    const put =
      'mkdir -p "$npm_config_cache/_cacache/content-v2/sha512/aa/bb"; echo x > "$npm_config_cache/_cacache/content-v2/sha512/aa/bb/cc"';
    const both = engine.run(['sh', '-c', `${put}; echo x > "$DIR/x"; exit 3`], { volumes: [npm, ...volumes] });
    await expect(both).rejects.toMatchObject({
      code: 'E_COMMAND',
      message: expect.stringMatching(/exit code 3: saved only npm$/),
      result: {
        saved: [
          { key: 'npm', skipped: null },
          { key: 'data', layer: null, skipped },
        ],
      },
    });
    expect(await pathsOf(npm.entries())).toContain('_cacache/content-v2/sha512/aa/bb/cc');
    expect(await engine.cacheVolume('data').heads()).toEqual([]);
  });

  test('finds its tool’s volume by the tool’s own setting', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const engine = await on.session(on.acme('web'));
    const { stdout } = await engine.run(['sh', '-c', 'echo "$npm_config_cache $MORE"; ls -d "$npm_config_cache"'], {
      volumes: [engine.cacheVolume('npm')],
      env: { MORE: 'more' },
      stdio: 'capture',
    });
    const [first = '', second] = stdout.trimEnd().split('\n');
    expect(first).toBe(`${second} more`);
    expect(first).toContain(on.world.store);
  });

  test('gets the context variables of cachelane run', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const directory = on.acme('web');
    const command = ['sh', '-c', 'printf %s "$CACHELANE_CONTEXT"'];
    const { stdout } = await (await on.session(directory)).run(command, { stdio: 'capture' });
    const run = await on.world.run(command, { cwd: directory });
    expect(stdout).toBe(run.stdout.trimEnd());
  });

  test('that dies of a signal leaves nothing behind', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const engine = await on.session(on.acme('web'));
    const said = join(on.world.dir, 'tmp/said');
    const controller = new AbortController();
    const running = engine.run(['sh', '-c', 'echo x > "$DIR/x"; echo "$DIR" > "$SAID"; exec sleep 600'], {
      volumes: [{ volume: engine.cacheVolume('data'), variable: 'DIR' }],
      env: { SAID: said },
      signal: controller.signal,
    });
    running.catch(() => undefined);
    await expect.poll(() => existsSync(said) && readFileSync(said, 'utf8'), { timeout: 60_000 }).toContain('/');
    controller.abort(new Error('enough'));
    await expect(running).rejects.toMatchObject({ code: 'E_ABORTED', cause: { message: 'enough' } });
    expect(await engine.cacheVolume('data').heads()).toEqual([]);
    await using fork = await engine.attach([engine.cacheVolume('data', { sharing: 'LOCKED' })], {
      lockTimeoutSeconds: 0,
    });
    expect(existsSync(join(fork.directory, 'x'))).toBe(false);
  });
});
