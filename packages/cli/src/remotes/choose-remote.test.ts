import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { limits } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { chooseRemote, type RemoteChoice } from './choose-remote.ts';
import { parseRemoteFlags, type RemoteFlags } from './remote-flags.ts';
import { stage } from '../fixtures/staged-host.fixture.ts';

interface Said {
  readonly remote?: string;
  readonly noRemote?: boolean;
  readonly push?: 'wait' | 'background' | 'never';
  readonly timeout?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The user's file. */
  readonly file?: string;
}

async function choose({ remote, noRemote = false, push, timeout, env = {}, file }: Said): Promise<RemoteChoice> {
  using on = stage({ env });
  const path = join(on.dir, '.config/cachelane/config.yaml');
  if (file !== undefined) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file, { mode: 0o600 });
  }
  const values = { remote, 'no-remote': noRemote, push, 'remote-timeout': timeout };
  const choice = await chooseRemote(on.host, await parseRemoteFlags(on.host, values));
  const short = (text: string): string => text.replaceAll(path, 'FILE');
  return {
    ...choice,
    source: short(choice.source),
    pushSource: short(choice.pushSource),
    problems: choice.problems.map(({ error, consequence }) => {
      error.message = short(error.message);
      return { error, consequence };
    }),
  };
}

const file = '\nremote: dir:/file\n';
const env = { CACHELANE_REMOTE: 'dir:/env' };

describe('how long a run waits for it, first to last', () => {
  const timeEnv = { ...env, CACHELANE_REMOTE_TIMEOUT: '30' };
  test.each<readonly [string, Said, number]>([
    ['the flag', { timeout: '2.5', env: timeEnv }, 2500],
    ['the variable', { env: timeEnv }, 30_000],
    ['an empty variable is ignored', { env: { ...env, CACHELANE_REMOTE_TIMEOUT: '' } }, limits.remoteWaitMs],
    ['five minutes', { env }, 300_000],
    ['also without one, for whatever else it waits for', { timeout: '2', env: {} }, 2000],
  ])('%s', async (_, said, waitMs) => {
    expect(await choose(said)).toMatchObject({ waitMs, problems: [] });
  });
});

describe('where the address comes from, first to last', () => {
  test.each<readonly [string, Said, string | null, string]>([
    ['the flag', { remote: 'dir:/flag/', env, file }, 'dir:/flag', '--remote'],
    ['the flag for no remote', { noRemote: true, env, file }, null, '--no-remote'],
    ['the variable', { env, file }, 'dir:/env', 'CACHELANE_REMOTE'],
    ['an empty variable means no remote', { env: { CACHELANE_REMOTE: '' }, file }, null, 'CACHELANE_REMOTE'],
    ['none in the variable', { env: { CACHELANE_REMOTE: 'None' }, file }, null, 'CACHELANE_REMOTE'],
    ['the file', { file }, 'dir:/file', 'FILE:2'],
    ['none in the file', { file: 'remote: none' }, null, 'FILE:1'],
    ['a file that names none', { file: 'push: wait' }, null, 'no remote is set'],
    ['nobody', {}, null, 'no remote is set'],
  ])('%s', async (_, said, address, source) => {
    expect(await choose(said)).toMatchObject({ address, source, problems: [] });
  });

  test('an unusable file is reported even if it does not set the remote', async () => {
    const broken = { file: '- broken', push: 'wait' } as const;
    const told = [{ consequence: 'the file is ignored', error: { code: 'E_CONFIG' } }];
    expect(await choose({ ...broken, env })).toMatchObject({ address: 'dir:/env', pushMode: 'wait', problems: told });
    expect(await choose({ ...broken, noRemote: true })).toMatchObject({ address: null, problems: told });
  });
});

describe('when is pushed, first to last', () => {
  const pushFile = `${file}push: wait`;
  const pushEnv = { ...env, CACHELANE_PUSH: 'Never' };
  const gitlab = { GITLAB_CI: 'true', CI_COMMIT_REF_NAME: 'main', CI_PIPELINE_SOURCE: 'push' };

  test.each<readonly [string, Said, string, string]>([
    ['the flag', { push: 'background', env: pushEnv, file: pushFile }, 'background', '--push'],
    ['the variable', { env: pushEnv, file: pushFile }, 'never', 'CACHELANE_PUSH'],
    ['an empty variable is ignored', { env: { ...env, CACHELANE_PUSH: '' }, file: pushFile }, 'wait', 'FILE:3'],
    ['the file, also for an address from elsewhere', { env, file: pushFile }, 'wait', 'FILE:3'],
    ['in CI before the job ends', { env: { ...env, ...gitlab } }, 'wait', 'this is GitLab CI'],
    ['elsewhere in the background', { env }, 'background', 'no CI system was detected'],
    ['CI=true alone is no CI system', { env: { ...env, CI: 'true' } }, 'background', 'no CI system was detected'],
    ['without a remote never', { env: { CACHELANE_PUSH: 'nonsense' } }, 'never', 'there is no remote'],
  ])('%s', async (_, said, pushMode, pushSource) => {
    expect(await choose(said)).toMatchObject({ pushMode, pushSource, problems: [] });
  });
});

describe('an invalid setting lowers sharing, and is reported', () => {
  test.each<readonly [string, Said, object, string, string]>([
    [
      'an invalid address in the variable',
      { env: { CACHELANE_REMOTE: '/mnt/cache' }, file },
      { address: null, pushMode: 'never' },
      'CACHELANE_REMOTE: /mnt/cache is not a remote',
      'nothing is shared with other machines',
    ],
    [
      'an address in the file',
      { file: 'remote: s3://My_Bucket' },
      { address: null },
      'FILE:1: My_Bucket is not a bucket name',
      'nothing is shared with other machines',
    ],
    [
      'a broken file',
      { file: 'remot: dir:/file' },
      { address: null },
      'FILE:1:1: unknown key "remot"; did you mean remote?',
      'the file is ignored, and nothing is pushed',
    ],
    [
      'a broken file, which may have said never',
      { file: 'push: nevr', env },
      { address: 'dir:/env', pushMode: 'never' },
      'FILE:1:7: push must be one of',
      'the file is ignored, and nothing is pushed',
    ],
    [
      'an invalid mode in the variable',
      { env: { ...env, CACHELANE_PUSH: 'nevr' } },
      { address: 'dir:/env', pushMode: 'never' },
      'CACHELANE_PUSH must be one of wait, background, never, not "nevr"; did you mean never?',
      'nothing is pushed',
    ],
  ])('%s', async (_, said, chosen, message, consequence) => {
    const choice = await choose(said);
    expect(choice).toMatchObject(chosen);
    expect(choice.problems).toMatchObject([
      { consequence, error: { code: 'E_CONFIG', message: expect.stringContaining(message) as unknown } },
    ]);
    expect(choice.problems[0]?.error.hint).toBeDefined();
  });

  test.each(['soon', '0', '-1', '1e3'])('a time of %s in the variable', async (text) => {
    const choice = await choose({ env: { ...env, CACHELANE_REMOTE_TIMEOUT: text } });
    expect(choice.waitMs).toBe(limits.remoteWaitMs);
    expect(choice.problems).toMatchObject([{ consequence: 'a run waits 300 s', error: { code: 'E_CONFIG' } }]);
    expect(choice.problems[0]?.error.message).toMatch(/^CACHELANE_REMOTE_TIMEOUT must be/);
  });

  test('an invalid flag is wrong usage', async () => {
    await expect(choose({ remote: '/mnt/cache' })).rejects.toMatchObject({
      code: 'E_USAGE',
      message: '--remote: /mnt/cache is not a remote',
    });
    await expect(choose({ remote: 'dir:/x', noRemote: true })).rejects.toMatchObject({ code: 'E_USAGE' });
    for (const timeout of ['soon', '0']) {
      await expect(choose({ env, timeout })).rejects.toMatchObject({
        code: 'E_USAGE',
        message: expect.stringContaining('--remote-timeout must be') as unknown,
      });
    }
  });
});

const flags = (path: string): RemoteFlags => ({ address: `dir:${path}`, push: undefined });

test('the store and directories in it are no remote', async () => {
  using on = stage();
  for (const path of [on.home, join(on.home, 'shared'), `${on.dir}/x/../home`]) {
    const { address, problems } = await chooseRemote(on.host, flags(path));
    expect([address, problems[0]?.error.message]).toEqual([null, expect.stringContaining('the store of this machine')]);
  }
  expect((await chooseRemote(on.host, flags(`${on.dir}/shared`))).problems).toEqual([]);
});
