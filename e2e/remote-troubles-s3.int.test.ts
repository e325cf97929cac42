import { join } from 'node:path';
import { requireCommands, signedRequest, startFaultProxy, startRadosgw, type Radosgw } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { slowAnswers } from './bad-servers.fixture.ts';
import { openWorld } from './cli.fixture.ts';
import {
  adds,
  atEnd,
  atStart,
  envOf,
  expectKept,
  expectOver,
  expectPushed,
  expectSeen,
  expectSent,
  noKeys,
  runWith,
  secretKey,
  volume,
  warningsOf,
  type Env,
  type Keys,
} from './remote-troubles.fixture.ts';

// A broken bucket costs a run a line at each end and a few seconds, and nothing else. Uses the bundled CLI.

requireCommands(
  'bwrap',
  'ceph-mon',
  'ceph-osd',
  'ceph',
  'radosgw',
)('a bucket', () => {
  let server: Radosgw;
  beforeAll(async () => {
    server = await startRadosgw();
    await makeBucket('team-cache', server.user);
  });
  afterAll(async () => await server[Symbol.asyncDispose]());

  let places = 0;
  const freshPlace = (): string => `team-cache/${(places += 1)}`;
  const good = (place: string, keys: Keys = server.user): Env => ({
    ...envOf(server.endpoint, keys, place),
    CACHELANE_REMOTE_TIMEOUT: '60',
  });

  async function makeBucket(name: string, user: Keys): Promise<void> {
    await signedRequest({ endpoint: server.endpoint, user, method: 'PUT', path: `/${name}` });
  }

  async function makeUser(name: string): Promise<Keys> {
    const keys = { accessKeyId: `key-of-${name}`, secretAccessKey: secretKey };
    const flags = [`--access-key=${keys.accessKeyId}`, `--secret=${keys.secretAccessKey}`];
    await server.admin('user', 'create', `--uid=${name}`, `--display-name=${name}`, ...flags);
    return keys;
  }

  test('whose secret is wrong', async () => {
    const place = freshPlace();
    const env = good(place, { ...server.user, secretAccessKey: secretKey });
    const reason = {
      why: /s3:\/\/team-cache\/\d+ says SignatureDoesNotMatch \(403\)/,
      mend: /; check the credentials/,
    };
    await expectOver(env, reason, async () => await Promise.resolve(good(place)));
  });

  test('that does not know the access key', async () => {
    const place = freshPlace();
    const reason = { why: /s3:\/\/team-cache\/\d+ says InvalidAccessKeyId \(403\)/, mend: /; check the credentials/ };
    await expectOver(good(place, noKeys), reason, async () => await Promise.resolve(good(place)));
  });

  test('that is missing', async () => {
    const env = good('late-cache/a');
    const reason = { why: /there is no bucket for s3:\/\/late-cache\/a/, mend: /; create it, or correct its name/ };
    await expectOver(env, reason, async () => {
      await makeBucket('late-cache', server.user);
      return env;
    });
  });

  test('that is read-only is still read', async () => {
    const reader = await makeUser('reader');
    const statement = {
      Effect: 'Allow',
      Principal: { AWS: ['arn:aws:iam:::user/reader'] },
      Action: ['s3:GetObject', 's3:ListBucket'],
      Resource: ['arn:aws:s3:::team-cache', 'arn:aws:s3:::team-cache/*'],
    };
    const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    const { endpoint, user } = server;
    await signedRequest({ endpoint, user, method: 'PUT', path: '/team-cache', query: 'policy', body });
    const place = freshPlace();
    using first = openWorld();
    await runWith(first, { name: 'a', env: good(place) });
    using world = openWorld();
    const run = await runWith(world, { name: 'b', env: good(place, reader) });
    expectKept(run, [atEnd], {
      why: /these credentials may not write: s3:\/\/team-cache\/\d+ says AccessDenied/,
      mend: /; grant write access \(s3:PutObject\), or do not push there/,
    });
    expect(run.sync).toMatchObject({ pulledLayers: 1 });
    await expectSent(world, good(place), ['a', 'b']);
  });

  test('whose quota is used up', async () => {
    const poor = await makeUser('poor');
    await makeBucket('poor-cache', poor);
    await server.admin('quota', 'set', '--quota-scope=user', '--uid=poor', '--max-size=1000000');
    await server.admin('quota', 'enable', '--quota-scope=user', '--uid=poor');
    const env = good('poor-cache/a', poor);
    using world = openWorld();
    await runWith(world, { name: 'a', env });
    const more = 'head -c 2000000 /dev/urandom > ~/.npm/big';
    const run = await runWith(world, { name: 'b', env, more, added: 2 });
    expectKept(run, [atEnd], {
      why: /there is no space left: s3:\/\/poor-cache\/a says QuotaExceeded/,
      mend: /; free some space/,
    });
    await server.admin('quota', 'disable', '--quota-scope=user', '--uid=poor');
    await expectSent(world, env, ['a', 'b', 'big']);
  });

  test.each([
    ['behind', -86_400_000],
    ['ahead', 86_400_000],
  ])('seen from a machine with a clock a day %s', async (_, offsetMs) => {
    const place = freshPlace();
    const shift = `const now = Date.now; const Real = Date;
      globalThis.Date = class extends Real {
        constructor(...args) { if (args.length === 0) super(now() + ${offsetMs}); else super(...args); }
        static now() { return now() + ${offsetMs}; }
      };`;
    const env = {
      ...good(place),
      NODE_OPTIONS: `--import=data:text/javascript;base64,${Buffer.from(shift).toString('base64')}`,
    };
    using first = openWorld();
    await runWith(first, { name: 'a', env: good(place) });
    using world = openWorld();
    const run = await runWith(world, { name: 'b', env });
    expect([run.warnings, run.sync?.pulledLayers, run.sync?.pushed]).toEqual([[], 1, 'sent']);
    await expectSeen(good(place), ['a', 'b']);
  });

  test('that is too busy for a while is retried without a warning', async () => {
    await using proxy = await startFaultProxy(server.endpoint);
    proxy.decide = ({ number }) => (number <= 4 || (number > 6 && number % 3 === 0) ? 'slow-down' : undefined);
    const env = { ...envOf(proxy.endpoint, server.user, freshPlace()), CACHELANE_REMOTE_TIMEOUT: '60' };
    using world = openWorld();
    const run = await runWith(world, { name: 'a', env });
    expect([run.warnings, run.sync?.pushed]).toEqual([[], 'sent']);
  });

  test('that is always too busy', async () => {
    await using proxy = await startFaultProxy(server.endpoint);
    proxy.decide = () => 'slow-down';
    const env = envOf(proxy.endpoint, server.user, freshPlace());
    using world = openWorld();
    expectKept(await runWith(world, { name: 'a', env }), [atStart, atEnd], {
      why: /s3:\/\/team-cache\/\d+ did not answer within 2 s \(s3:\/\/team-cache\/\d+ says SlowDown \(503\)\)/,
    });
    proxy.decide = () => undefined;
    await expectSent(world, { ...env, CACHELANE_REMOTE_TIMEOUT: '' }, ['a']);
  });

  test('that is gone when the command has ended', async () => {
    await using proxy = await startFaultProxy(server.endpoint);
    const env = envOf(proxy.endpoint, server.user, freshPlace());
    using world = openWorld();
    await runWith(world, { name: 'a', env: { ...env, CACHELANE_REMOTE_TIMEOUT: '' } });
    const started = world.startRun(adds('b', 'echo running; read -r _'), {
      options: [...volume, '--push', 'wait'],
      env: { ...env, CACHELANE_REMOTE_TIMEOUT: '5' },
      input: null,
    });
    await started.said('running');
    proxy.decide = () => 'no-reply';
    started.child.stdin?.end('\n');
    const run = await started.finished;
    expectKept({ run, sync: run.volume('npm').sync, warnings: warningsOf(run) }, [atEnd], {
      why: /did not answer within 5 s/,
    });
    proxy.decide = () => undefined;
    await expectSent(world, { ...env, CACHELANE_REMOTE_TIMEOUT: '' }, ['a', 'b']);
  });

  test('that is too slow for a complete pull: the run uses what it has, and the next run continues', async () => {
    const place = freshPlace();
    using first = openWorld();
    await runWith(first, {
      name: 'big',
      env: good(place),
      more: 'head -c 24000000 /dev/urandom > ~/.npm/bytes',
      added: 2,
    });
    await runWith(first, { name: 'small', env: good(place) });
    await using slow = await slowAnswers(server.endpoint, 1_500_000);
    using world = openWorld();
    const env = envOf(slow.endpoint, server.user, place);
    const options = ['--remote-timeout', '8'];
    const run = await runWith(world, { name: 'b', env, options, more: 'cat ~/.npm/small; test ! -e ~/.npm/bytes' });
    expect(run.run.stdout).toBe('small\n');
    expect(run.warnings).toHaveLength(1);
    expect(run.warnings[0]).toMatch(
      /the run continues with local contents: s3:\/\/team-cache\/\d+ did not send all layers within \d s/,
    );
    expect(run.sync).toMatchObject({ pulledLayers: 1, pushed: 'sent' });
    const half = run.sync?.pulledBytes ?? 0;
    expect(half).toBeGreaterThan(1_000_000);
    const next = await runWith(world, { name: 'c', env: good(place) });
    expect([next.warnings, next.sync?.pulledLayers]).toEqual([[], 1]);
    expect(next.sync?.pulledBytes).toBeLessThan(24_000_000 - half / 2);
    await expectSeen(good(place), ['b', 'big', 'bytes', 'c', 'small']);
  });

  describe.each(['SIGINT', 'SIGTERM'] as const)('and %s', (signal) => {
    test('during the pull: the run ends at once, and the command does not start', async () => {
      await using proxy = await startFaultProxy(server.endpoint);
      const asked = new Promise<void>((resolve) => {
        proxy.decide = () => {
          resolve();
          return 'no-reply';
        };
      });
      using world = openWorld();
      const env = { ...envOf(proxy.endpoint, server.user, freshPlace()), CACHELANE_REMOTE_TIMEOUT: '' };
      const started = world.startRun(['sh', '-c', 'echo it ran'], { options: volume, env });
      await asked;
      started.child.kill(signal);
      const ended = await started.finished;
      expect([ended.signal, ended.stdout, warningsOf(ended)]).toEqual([signal, '', []]);
      expect(() => world.exec(['ls', join(world.dir, 'reports/1.json')])).toThrow();
    });

    test.each(['small', 'large'])(
      'while it pushes a %s layer: it ends at once, and the layer is pushed later',
      async (size) => {
        await using proxy = await startFaultProxy(server.endpoint);
        const place = freshPlace();
        const sending = new Promise<void>((resolve) => {
          proxy.decide = ({ path, method }) => {
            if (!path.includes('/objects/data/') || method === 'HEAD' || path.includes('?uploads')) return undefined;
            resolve();
            return 'no-reply';
          };
        });
        using world = openWorld();
        const env = { ...envOf(proxy.endpoint, server.user, place), CACHELANE_REMOTE_TIMEOUT: '' };
        const more = size === 'small' ? 'true' : 'head -c 12000000 /dev/urandom >> ~/.npm/a';
        const started = world.startRun(adds('a', more), { options: [...volume, '--push', 'wait'], env });
        await sending;
        started.child.kill(signal);
        const ended = await started.finished;
        expect(ended.signal).toBe(signal);
        expect(ended.volume('npm')).toMatchObject({ added: 1, sync: { pushed: 'later', why: 'stopped on request' } });
        proxy.decide = () => undefined;
        await expectPushed(world, good(place), ['a']);
      },
    );
  });

  test('every report has the reason', async () => {
    using world = openWorld();
    const env = good('no-such-cache/a');
    const finished = await world.cachelane(
      ['run', ...volume, '--push', 'wait', '--reporter', 'json', '--', ...adds('a')],
      { env },
    );
    const events = finished.stderr
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { type: string }]));
    expect(events.filter(({ type }) => type === 'warning')).toMatchObject([
      {
        code: 'E_REMOTE_GONE',
        message: 'the run continues with local contents: there is no bucket for s3://no-such-cache/a',
      },
      {
        code: 'E_REMOTE_GONE',
        message: 'kept here; the next run sends it: there is no bucket for s3://no-such-cache/a',
      },
    ]);
    expect(events.find(({ type }) => type === 'synced')).toEqual({
      type: 'synced',
      volume: 'npm',
      report: {
        remote: 's3://no-such-cache/a',
        pulledLayers: 0,
        pulledBytes: 0,
        pullMs: expect.any(Number) as number,
        pushedLayers: 0,
        pushedBytes: 0,
        pushMs: expect.any(Number) as number,
        conflicts: [],
        pushed: 'later',
        why: 'there is no bucket for s3://no-such-cache/a',
      },
    });
  });
});
