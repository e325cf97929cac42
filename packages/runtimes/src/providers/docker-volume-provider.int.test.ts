import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseNamespace, parseVolumeName } from '@cachelane/core';
import { providerConformance, requireCommands, startDockerDaemon } from '@cachelane/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dockerVolumeProvider } from './docker-volume-provider.ts';

let dir = '';
beforeEach(() => {
  dir = place();
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function place(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-docker-')));
}

/** A fake docker that runs this script. */
function dockerThat(root: string, script: string): Record<string, string> {
  mkdirSync(join(root, 'bin'), { recursive: true });
  writeFileSync(join(root, 'bin/docker'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, 'bin/docker'), 0o755);
  return { PATH: [join(root, 'bin'), process.env['PATH'] ?? ''].join(delimiter) };
}

const provide = async (env: Record<string, string>, signal = new AbortController().signal, more = {}) =>
  await dockerVolumeProvider({ env, storeDir: join(dir, 'store'), ...more }).provide(
    {
      argument: 'pip',
      volume: parseVolumeName('pip'),
      tool: 'pip',
      compat: {},
      project: parseNamespace('github.com/acme/web'),
      place: null,
      fetch: null,
    },
    signal,
  );

providerConformance('docker-volume', async () => {
  const root = place();
  mkdirSync(join(root, 'data'));
  const answer = JSON.stringify([{ Name: 'pip', Mountpoint: join(root, 'data') }]);
  const script = `[ "$*" = "volume inspect -- pip" ] && echo '${answer}' || { echo "Error response from daemon: get x: no such volume at tcp://ann:s3cret@host" >&2; exit 1; }`;
  return await Promise.resolve({
    provider: dockerVolumeProvider({ env: dockerThat(root, script), storeDir: join(root, 'store') }),
    isOurs: true,
    examples: [{ argument: 'pip', says: 'directory' }] as const,
    refuses: ['other', '-f', '../x', ''],
    secrets: ['s3cret'],
    [Symbol.asyncDispose]: async () => await Promise.resolve(rmSync(root, { recursive: true })),
  });
});

describe('a volume of Docker', () => {
  test('needs docker', async () => {
    await expect(provide({ PATH: join(dir, 'none') })).rejects.toMatchObject({ message: 'docker is not installed' });
  });

  test('needs a daemon that answers', async () => {
    const env = dockerThat(dir, 'echo "Cannot connect to the Docker daemon at tcp://ann:s3cret@host" >&2; exit 1');
    const error = await provide(env).catch((thrown: unknown) => thrown as Error);
    expect((error as Error).message).toContain("Docker's daemon gave an error");
    expect((error as Error).message).not.toContain('s3cret');
  });

  test('needs a directory that this process can use', async () => {
    const env = dockerThat(dir, `echo '[{"Mountpoint":"${dir}/elsewhere"}]'`);
    await expect(provide(env)).rejects.toMatchObject({
      message: expect.stringContaining('this process cannot use'),
    });
  });

  test.each(['no JSON', '[]', '[{"Mountpoint":"relative"}]', '[{"Mountpoint":"/a/../b"}]', '{}', 'null'])(
    'refuses the answer %s',
    async (answer) => {
      await expect(provide(dockerThat(dir, `echo '${answer}'`))).rejects.toMatchObject({ code: 'E_VOLUME' });
    },
  );

  test.each([
    { Driver: 'local', Options: { type: 'nfs', o: 'addr=10.0.0.1,rw', device: ':/export' } },
    { Driver: 'local', Options: { device: '/srv', o: 'bind' } },
    { Driver: 'vieux/sshfs:latest', Options: null },
  ])('is refused if Docker mounts it only for containers: %j', async (how) => {
    const answer = JSON.stringify([{ Name: 'pip', Mountpoint: dir, ...how }]);
    await expect(provide(dockerThat(dir, `echo '${answer}'`))).rejects.toMatchObject({
      code: 'E_VOLUME',
      message: expect.stringContaining('so Docker mounts it only while a container uses it'),
    });
  });

  test.each([null, {}, { size: '1G' }])('of the plain kind gives its directory: %j', async (options) => {
    const directory = join(dir, 'data');
    mkdirSync(directory);
    const answer = JSON.stringify([{ Name: 'pip', Driver: 'local', Mountpoint: directory, Options: options }]);
    expect(await provide(dockerThat(dir, `echo '${answer}'`))).toEqual({ kind: 'directory', directory });
  });

  test('gives up if docker does not answer and ignores TERM', async () => {
    const deaf = dockerThat(dir, `trap '' TERM; echo $$ > ${dir}/pid; while :; do sleep 1; done`);
    await expect(provide(deaf, undefined, { answerMs: 500 })).rejects.toMatchObject({
      message: expect.stringContaining('does not answer'),
    });
    rmSync(join(dir, 'pid'));
    const abort = new AbortController();
    const asked = provide(deaf, abort.signal);
    const pidOf = () => (existsSync(join(dir, 'pid')) ? Number(readFileSync(join(dir, 'pid'), 'utf8')) : 0);
    await expect.poll(pidOf, { timeout: 60_000 }).toBeGreaterThan(0);
    abort.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(() => existsSync(`/proc/${pidOf()}`), { timeout: 20_000 }).toBe(false);
  });

  test('gives up at an abort', async () => {
    const env = dockerThat(dir, 'exec sleep 60');
    const abort = new AbortController();
    const asked = provide(env, abort.signal);
    abort.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  });
});

const ifRoot = process.geteuid?.() === 0 ? requireCommands('dockerd', 'docker') : describe.skip;

ifRoot('a real daemon', () => {
  test('returns the directory of a volume', async () => {
    using daemon = await startDockerDaemon();
    const env = { PATH: process.env['PATH'] ?? '', DOCKER_HOST: daemon.socket };
    expect(daemon.docker('volume', 'create', 'pip').code).toBe(0);
    const mountpoint = daemon.docker('volume', 'inspect', '--format', '{{.Mountpoint}}', 'pip').stdout.trim();
    expect(await provide(env)).toEqual({ kind: 'directory', directory: mountpoint });
    daemon.docker('volume', 'rm', 'pip');
    await expect(provide(env)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  });
});
