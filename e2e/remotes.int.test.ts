import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { requireCommands, signedRequest, startRadosgw, type Radosgw } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openWorld, worldUsers, type Finished, type World } from './cli.fixture.ts';

// The CLI's side of remotes, from the bundle: their configuration, and what doctor finds out about them.

interface Check {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
  readonly mend: string | null;
}

function checksOf({ stdout }: Finished): readonly Check[] {
  const { checks } = JSON.parse(stdout) as { readonly checks: readonly Check[] };
  return checks.filter(({ name }) => name.startsWith('remote'));
}

async function doctor(world: World, env: Readonly<Record<string, string>>): Promise<readonly Check[]> {
  const finished = await world.cachelane(['doctor', '--json'], { env });
  const checks = checksOf(finished);
  const isFailed = checks.some(({ status }) => status === 'fail');
  if (isFailed) expect(finished.code).toBe(1);
  return checks;
}

const outline = (checks: readonly Check[]): readonly string[] => checks.map(({ name, status }) => `${status} ${name}`);
const well = ['ok remote', 'ok remote read', 'ok remote write', 'ok remote clock'];

/** Creates a shared directory as the world's user. */
function sharedDir(world: World, name = 'shared'): string {
  const path = join(world.dir, name);
  world.exec(['mkdir', path]);
  return path;
}

describe.each(worldUsers)('a directory, as %s', (user) => {
  test('that exists', async () => {
    using world = openWorld({ user });
    const path = sharedDir(world);
    const checks = await doctor(world, { CACHELANE_REMOTE: `dir:${path}` });
    expect(outline(checks)).toEqual(well);
    expect(checks[1]?.detail).toMatch(/^it answers; a head is read in \d+ ms$/);
  });

  test('that is missing is not created', async () => {
    using world = openWorld({ user });
    const path = join(world.dir, 'missing');
    const checks = await doctor(world, { CACHELANE_REMOTE: `dir:${path}` });
    expect(outline(checks)).toEqual(['ok remote', 'fail remote read']);
    expect(checks[1]).toMatchObject({ detail: `there is no directory for dir:${path}` });
    expect(checks[1]?.mend).toContain('create it (mkdir), or mount');
    expect(() => world.exec(['test', '-e', path])).toThrow();
  });
});

test.runIf(worldUsers.includes('ordinary user'))('a read-only directory', async () => {
  using world = openWorld({ user: 'ordinary user' });
  const path = sharedDir(world);
  chmodSync(path, 0o555);
  const env = { CACHELANE_REMOTE: `dir:${path}` };
  const checks = await doctor(world, env);
  expect(outline(checks)).toEqual(['ok remote', 'ok remote read', 'warn remote write']);
  expect(checks[2]?.mend).toContain('CACHELANE_PUSH=never');
  expect(outline(await doctor(world, { ...env, CACHELANE_PUSH: 'never' }))).toEqual(well.slice(0, 3));
  chmodSync(path, 0o000);
  expect(outline(await doctor(world, env))).toEqual(['ok remote', 'fail remote read']);
  chmodSync(path, 0o700);
});

requireCommands('bwrap')('the user’s own file', () => {
  test('names a remote, and a broken file does not disable this machine’s caches', async () => {
    using world = openWorld();
    const file = '.config/cachelane/config.yaml';
    world.write({ [join('home', file)]: `remote: dir:${sharedDir(world)}\npush: never\n` });
    expect(await world.json(['context'])).toMatchObject({
      remote: { address: `dir:${world.dir}/shared`, source: `${join(world.home, file)}:1` },
      push: { mode: 'never', source: `${join(world.home, file)}:2` },
    });
    const save = ['sh', '-c', 'echo $$ > data/x'];
    const options = ['-v', 'data:data'];
    const good = await world.run(save, { options });
    expect([good.code, good.stderr.includes('warning'), good.volume('data').added]).toEqual([0, false, 1]);

    world.write({ [join('home', file)]: 'remotes: dir:/x\n' });
    const broken = await world.run(save, { options });
    expect(broken).toMatchObject({ code: 0 });
    expect(broken.volume('data').changed).toBe(1);
    expect(broken.stderr.match(/warning/g)).toHaveLength(1);
    expect(broken.stderr).toContain('unknown key "remotes"; did you mean remote?');
    const strict = await world.cachelane(['run', '--strict', ...options, '--', ...save]);
    expect(strict).toMatchObject({ code: 125 });
  });
});

/** One machine saves and waits for the push. Another machine finds the files. */
async function expectShared(env: Readonly<Record<string, string>>): Promise<void> {
  using one = openWorld();
  using other = openWorld();
  const name = 'acme/web';
  const options = ['-n', name, '-v', 'npm'];
  const saved = await one.run(['sh', '-c', 'mkdir -p ~/.npm/_cacache/tmp; echo from-one > ~/.npm/shared'], {
    options: [...options, '--verbose', '--push', 'wait'],
    env,
  });
  expect(saved.stderr).toContain('pushed 1 layer');
  const bare = await other.run(['sh', '-c', 'ls ~/.npm'], { options: [...options, '--no-remote'], env });
  expect(bare.stdout).toBe('');
  const found = await other.run(['sh', '-c', 'cat ~/.npm/shared'], { options, env });
  expect([found.code, found.stdout]).toEqual([0, 'from-one\n']);
}

requireCommands('bwrap')('two machines', () => {
  test('share through a directory', async () => {
    using place = openWorld();
    await expectShared({ CACHELANE_REMOTE: `dir:${sharedDir(place)}` });
  });

  test('a missing remote costs a warning, and fails a strict run', async () => {
    using world = openWorld();
    const env = { CACHELANE_REMOTE: `dir:${join(world.dir, 'missing')}` };
    const options = ['-n', 'acme/web', '-v', 'npm'];
    const run = await world.run(['sh', '-c', 'echo x > ~/.npm/x'], { options, env });
    expect(run.volume('npm')).toMatchObject({ added: 1, skipped: null });
    expect(run.stderr).toContain('there is no directory');
    expect(await world.cachelane(['run', '--strict', ...options, '--', 'true'], { env })).toMatchObject({ code: 125 });
  });
});

/** Returns a command for a copy of the bundle without its companion files. */
function alone(world: World): readonly string[] {
  const [node, bundle] = inject('cachelaneProgram');
  const copy = join(world.dir, 'alone/cachelane.cjs');
  mkdirSync(dirname(copy));
  copyFileSync(bundle, copy);
  return [node, copy];
}

describe('the bundle alone', () => {
  test('uses directories, and names the missing part for a bucket', () => {
    using world = openWorld();
    const argv = [...alone(world), 'doctor', '--json', '--remote'];
    expect(outline(checksOf(world.exec([...argv, `dir:${sharedDir(world)}`])))).toEqual(well);
    const bucket = ['sh', '-c', '"$0" "$@" || exit 0', ...argv, 's3://bucket?endpoint=http://127.0.0.1:9'];
    expect(checksOf(world.exec(bucket)).at(-1)).toEqual({
      name: 'remote read',
      status: 'fail',
      detail: 'this copy of cachelane cannot use buckets: cachelane-s3.cjs is not beside it',
      mend: 'copy cachelane-s3.cjs to where cachelane.cjs is',
    });
  });
});

requireCommands(
  'ceph-mon',
  'ceph-osd',
  'ceph',
  'radosgw',
)('a bucket', () => {
  let server: Radosgw;
  beforeAll(async () => {
    server = await startRadosgw();
    await signedRequest({ endpoint: server.endpoint, user: server.user, method: 'PUT', path: '/team-cache' });
  });
  afterAll(async () => await server[Symbol.asyncDispose]());

  const envOf = (address: string, user = server.user): Record<string, string> => ({
    CACHELANE_REMOTE: `${address}?endpoint=${server.endpoint}`,
    AWS_ACCESS_KEY_ID: user.accessKeyId,
    AWS_SECRET_ACCESS_KEY: user.secretAccessKey,
    // Without credentials the client would ask the cloud's metadata address for a role.
    AWS_EC2_METADATA_DISABLED: 'true',
  });

  test('with everything it needs', async () => {
    using world = openWorld();
    expect(outline(await doctor(world, envOf('s3://team-cache/a')))).toEqual(well);
  });

  test('that machines share', async () => {
    await expectShared(envOf('s3://team-cache/shared'));
  });

  test('that does not exist', async () => {
    using world = openWorld();
    const checks = await doctor(world, envOf('s3://no-such-cache'));
    expect(outline(checks)).toEqual(['ok remote', 'fail remote read']);
    expect(checks[1]).toMatchObject({
      detail: 'there is no bucket for s3://no-such-cache',
      mend: 'create it, or correct its name, region or endpoint',
    });
  });

  test('with wrong or missing credentials, which no output shows', async () => {
    using world = openWorld();
    const wrong = { ...server.user, secretAccessKey: 'w'.repeat(40) };
    const checks = await doctor(world, envOf('s3://team-cache/a', wrong));
    expect(outline(checks)).toEqual(['ok remote', 'fail remote read']);
    expect(checks[1]?.mend).toContain('check the credentials');
    expect(JSON.stringify(checks)).not.toContain(wrong.secretAccessKey);
    const none = { ...envOf('s3://team-cache/a'), AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
    expect((await doctor(world, none)).at(-1)).toMatchObject({
      status: 'fail',
      detail: 'there are no credentials for s3://team-cache/a',
    });
  });

  /** Returns credentials that allow just these actions. Each has its own bucket, because policies are replaced. */
  async function bucketFor(name: string, actions: readonly string[]): Promise<Record<string, string>> {
    const user = { accessKeyId: `key-of-${name}`, secretAccessKey: name.padEnd(40, 'x') };
    const keys = [`--access-key=${user.accessKeyId}`, `--secret=${user.secretAccessKey}`];
    await server.admin('user', 'create', `--uid=${name}`, `--display-name=${name}`, ...keys);
    const request = { endpoint: server.endpoint, user: server.user, method: 'PUT', path: `/for-${name}` };
    await signedRequest(request);
    const statement = {
      Effect: 'Allow',
      Principal: { AWS: [`arn:aws:iam:::user/${name}`] },
      Action: actions,
      Resource: [`arn:aws:s3:::for-${name}`, `arn:aws:s3:::for-${name}/*`],
    };
    const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await signedRequest({ ...request, query: 'policy', body });
    return envOf(`s3://for-${name}/a`, user);
  }

  // The rights of a writer, from docs/howto/share-between-machines.md.
  test('with the rights of a reader', async () => {
    using world = openWorld();
    const env = await bucketFor('reader', ['s3:GetObject', 's3:ListBucket']);
    const checks = await doctor(world, env);
    expect(outline(checks)).toEqual(['ok remote', 'ok remote read', 'warn remote write']);
    expect(checks[2]?.mend).toContain('CACHELANE_PUSH=never');
    expect(outline(await doctor(world, { ...env, CACHELANE_PUSH: 'never' }))).toEqual(well.slice(0, 3));
  });

  test('with the rights of a writer, who may not delete', async () => {
    using world = openWorld();
    const actions = ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload', 's3:ListBucket'];
    const env = await bucketFor('writer', actions);
    expect(outline(await doctor(world, env))).toEqual(well);
    // The first check left its object behind, and its time is too old to test the clock.
    expect(outline(await doctor(world, env))).toEqual(well.slice(0, 3));
  });

  test('with the right to read, but not to list', async () => {
    using world = openWorld();
    const checks = await doctor(world, await bucketFor('blind', ['s3:GetObject', 's3:PutObject']));
    expect(outline(checks)).toEqual(['ok remote', 'fail remote read']);
  });
});
