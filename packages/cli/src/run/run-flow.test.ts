import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CachelaneError, type RunReport } from '@cachelane/core';
import { memoryRemote } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { push, web } from '../commands/share/pushed.fixture.ts';
import { exited, stage, type Stage } from '../fixtures/staged-host.fixture.ts';

const failing = (code: CachelaneError['code']) => ({
  openMetadata: () => Promise.reject(new CachelaneError(code, 'it is broken', { hint: 'mend it' })),
  openMounters: () => Promise.resolve({} as never),
  openLeases: () => Promise.resolve({} as never),
});

const reportOf = (on: Stage): RunReport =>
  JSON.parse(readFileSync(join(on.project, 'report.json'), 'utf8')) as RunReport;

describe('with any cache failure, the command runs once without a cache and with one warning', () => {
  const cases: readonly (readonly [string, Parameters<typeof stage>[0], (on: Stage) => void, string])[] = [
    ['a corrupt database', { pieces: failing('E_STORE_CORRUPT') }, () => {}, 'it is broken'],
    ['a newer database', { pieces: failing('E_STORE_NEWER') }, () => {}, 'it is broken'],
    ['a missing driver', {}, () => {}, 'there is no mounter on this stage'],
    ['a relative home', { env: { CACHELANE_HOME: 'cache' } }, () => {}, 'CACHELANE_HOME is not an absolute path'],
    ['a home that is a file', {}, (on) => writeFileSync(on.home, ''), 'is not a directory'],
    ['a broken file', {}, (on) => writeFileSync(join(on.project, 'cachelane.yaml'), 'volums: {}'), 'unknown key'],
    ['a file that is a directory', {}, (on) => mkdirSync(join(on.project, 'cachelane.yaml')), 'is not a file'],
    [
      'a file that is a symlink to nothing',
      {},
      (on) => symlinkSync('nowhere', join(on.project, 'cachelane.yaml')),
      'cachelane.yaml cannot be read (ENOENT)',
    ],
    ['a bad namespace in the environment', { env: { CACHELANE_NAMESPACE: 'a b' } }, () => {}, 'CACHELANE_NAMESPACE'],
    ['a bug of ours', { pieces: { loadTools: () => Promise.reject(new Error('oops')) } }, () => {}, 'oops'],
  ];

  test.each(cases)('%s', async (_, options, prepare, why) => {
    using on = stage({ command: () => exited(3), ...options });
    prepare(on);
    expect(await on.cachelane('run', '-v', 'npm', '--report', 'report.json', '--', 'make', 'all')).toBe(3);
    expect(on.commands).toMatchObject([{ argv: ['make', 'all'], cwd: on.project, mounts: [], leaseFile: null }]);
    expect(on.err().match(/warning/g)).toHaveLength(1);
    expect(on.err()).toContain(why);
    expect(on.err()).toMatch(/the command runs without a cache/i);
    expect(reportOf(on).exitCode).toBe(3);
  });

  test.each(cases)('%s, with --strict: nothing runs and the exit code is 125', async (_, options, prepare, why) => {
    using on = stage(options);
    prepare(on);
    expect(await on.cachelane('run', '--strict', '-v', 'npm', '--', 'make')).toBe(125);
    expect(on.commands).toEqual([]);
    expect(on.err()).toContain(why);
  });
});

/** What happens to the remote and to the rest of the drivers, in order. */
function watched(env: Readonly<Record<string, string>> = {}): Stage & { readonly steps: readonly string[] } {
  const steps: string[] = [];
  const on = stage({
    env,
    pieces: {
      openRemote: ({ address }) => {
        steps.push(`open ${address}`);
        const close = async (): Promise<void> => await Promise.resolve(void steps.push('close'));
        return Promise.resolve({ ...memoryRemote(), [Symbol.asyncDispose]: close });
      },
      openMounters: () => {
        steps.push('store');
        return Promise.reject(new CachelaneError('E_NO_MOUNTER', 'no further on this stage'));
      },
    },
    command: () => {
      steps.push('bare');
      return exited(0);
    },
  });
  return Object.assign(on, { steps });
}

describe('a remote', () => {
  test('is opened for a run with volumes and closed at its end', async () => {
    using on = watched({ CACHELANE_REMOTE: 'dir:/env' });
    await on.cachelane('run', '-v', 'npm', '--remote', 'dir:/flag', 'true');
    await on.cachelane('shell', '-v', 'npm', '--', 'true');
    expect(on.steps).toEqual(['open dir:/flag', 'store', 'close', 'bare', 'open dir:/env', 'store', 'close', 'bare']);
  });

  test.each([
    ['named by nobody', {}, ['-v', 'npm']],
    ['not wanted', { CACHELANE_REMOTE: 'dir:/env' }, ['-v', 'npm', '--no-remote']],
    ['of no use to a run without volumes', { CACHELANE_REMOTE: 'dir:/env' }, []],
    ['of no use to a run without caches', { CACHELANE_REMOTE: 'dir:/env' }, ['-v', 'npm', '--mode', 'none']],
  ])('%s is not opened', async (_, env, argv) => {
    using on = watched(env);
    expect(await on.cachelane('run', ...argv, 'true')).toBe(0);
    expect(on.steps.filter((step) => step !== 'store')).toEqual(['bare']);
  });

  test.each<readonly [string, Readonly<Record<string, string>>, string, string, readonly string[]]>([
    [
      'a variable',
      { CACHELANE_REMOTE: '/env' },
      '',
      'CACHELANE_REMOTE: /env is not a remote: nothing is shared',
      ['store'],
    ],
    ['a broken file', {}, 'remot: dir:/x', 'did you mean remote? The file is ignored', ['store']],
    [
      'a file with no mode',
      { CACHELANE_REMOTE: 'dir:/env' },
      'push: x',
      'nothing is pushed',
      ['open dir:/env', 'store', 'close'],
    ],
  ])('that is invalid in %s is a warning, and the run has its caches', async (_, env, file, why, steps) => {
    using on = watched(env);
    const dir = join(on.dir, '.config/cachelane');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'config.yaml'), file, { mode: 0o600 });
    await on.cachelane('run', '-v', 'npm', 'true');
    expect(on.err()).toContain(why);
    expect(on.steps).toEqual([...steps, 'bare']);
    expect(await on.cachelane('run', '--strict', '-v', 'npm', 'true')).toBe(125);
    expect(on.steps).toHaveLength(steps.length + 1);
  });

  test('that cannot be opened is a warning, and a failure with --strict', async () => {
    using on = stage({ env: { CACHELANE_REMOTE: 'dir:/env' } });
    expect(await on.cachelane('run', '-v', 'npm', 'true')).toBe(0);
    expect(on.err()).toContain('there is no remote on this stage: nothing is shared with other machines');
    expect(await on.cachelane('run', '--strict', '-v', 'npm', 'true')).toBe(125);
  });
});

test('a suggestion and its consequence are two sentences', async () => {
  using on = stage();
  await on.cachelane('run', '-v', 'nmp', 'true');
  expect(on.err()).toContain('there is no tool nmp; did you mean npm? The command runs without a cache');
});

test.each([
  ['directory', 'data is a stored directory volume', 'give its path after the name: data:/path'],
  ['npm', 'data is a stored volume of npm', 'to use it, write in cachelane.yaml: volumes: { data: { tool: npm } }'],
])('a stored volume of the tool %s without a path: says how to use it', async (tool, problem, hint) => {
  using on = stage();
  await push(on, { name: 'data', tool, layers: ['a'] });
  await on.cachelane('run', '-n', web, '-v', 'data', 'true');
  expect(on.err()).toContain(problem);
  expect(on.err()).toContain(hint);
});

describe('the report of a run without a cache', () => {
  test('lists the volumes it would have had and the reason', async () => {
    using on = stage({ pieces: failing('E_STORE_CORRUPT') });
    await on.cachelane('run', '-n', 'a/b', '-v', 'npm', '--report', 'report.json', 'true');
    expect(reportOf(on)).toMatchObject({
      namespace: 'a/b',
      lane: 't1:local',
      trust: 'T1',
      exitCode: 0,
      volumes: [{ name: 'npm', path: join(on.dir, '.npm'), mounter: null, layer: null, skipped: 'it is broken' }],
    });
  });

  test('is written even without a context', async () => {
    using on = stage({ env: { CACHELANE_NAMESPACE: 'a b' } });
    await on.cachelane('run', '--report', 'report.json', 'true');
    expect(reportOf(on)).toEqual({ namespace: null, lane: null, trust: null, exitCode: 0, volumes: [] });
  });

  test('that cannot be written is a warning, not a failure', async () => {
    using on = stage();
    expect(await on.cachelane('run', '--strict', '--mode=none', '--report', 'no/such/dir/r.json', 'true')).toBe(0);
    expect(on.err()).toMatch(
      /cannot write the report to \S+: there is no directory \S+dir; create it, or name another file\n/,
    );
    expect(on.err()).not.toContain('a bug in cachelane');
  });
});

describe('nothing to cache', () => {
  test('one line says how to name a volume', async () => {
    using on = stage();
    expect(await on.cachelane('run', '--strict', '--', 'true')).toBe(0);
    expect(on.err()).toBe(
      `cachelane: found no known lockfile in ${on.project} or above: the command runs without a cache; name a volume with -v NAME (npm, go-build, go-mod, pnpm, …) or -v NAME:PATH\n`,
    );
  });

  test('mode none opens no home and prints nothing', async () => {
    using on = stage({ env: { CACHELANE_HOME: 'relative' } });
    expect(await on.cachelane('run', '--mode', 'none', '-v', 'npm', '--report', 'report.json', 'true')).toBe(0);
    expect(on.err()).toBe('');
    expect(reportOf(on).volumes).toMatchObject([{ name: 'npm', skipped: 'mode none' }]);
  });

  test('volumes with refused paths', async () => {
    using on = stage();
    expect(await on.cachelane('run', '-v', 'data:.', 'true')).toBe(0);
    expect(on.err()).toContain('the volume data (-v) is left out');
    expect(await on.cachelane('run', '--strict', '-v', 'data:.', 'true')).toBe(125);
    expect(on.commands).toHaveLength(1);
  });
});

describe('what the command gets', () => {
  test('the unchanged environment, and another PWD only with -C', async () => {
    using on = stage({ env: { PWD: '/by/a/symlink', 'odd-name': 'x' } });
    mkdirSync(join(on.project, 'sub'));
    await on.cachelane('run', '--mode=none', 'true');
    await on.cachelane('run', '--mode=none', '-C', 'sub', 'true');
    expect(on.commands.map(({ cwd, env }) => [cwd, env['PWD'], env['odd-name']])).toEqual([
      [on.project, '/by/a/symlink', 'x'],
      [join(on.project, 'sub'), join(on.project, 'sub'), 'x'],
    ]);
  });

  test('its own context, never another command’s', async () => {
    using on = stage({ env: { CACHELANE_CONTEXT: '{"namespace": "of/another"}', CACHELANE_NAMESPACE: 'teams/web' } });
    await on.cachelane('run', '--mode=none', 'true');
    await on.cachelane('context', '--json');
    const told = JSON.parse(on.commands[0]?.env['CACHELANE_CONTEXT'] ?? '') as Record<string, unknown>;
    expect(told).toMatchObject({ namespace: 'teams/web', lane: 't1:local', trust: 'T1', canWrite: true });
    expect(JSON.parse(on.out())).toMatchObject(told);

    writeFileSync(join(on.project, 'cachelane.yaml'), 'volums: {}');
    await on.cachelane('run', 'true');
    expect(on.commands[1]?.env).not.toHaveProperty('CACHELANE_CONTEXT');
  });

  test('also in a removed directory', async () => {
    using on = stage();
    const host = {
      ...on.host,
      cwd: () => {
        throw new Error('ENOENT');
      },
    };
    const { main } = await import('../app/cli.ts');
    expect(await main(['run', '-v', 'npm', 'true'], host)).toBe(0);
    expect(on.commands[0]?.cwd).toBe('/proc/self/cwd');
    expect(on.err()).toContain('the working directory no longer exists');
  });
});

describe('wrong usage runs nothing and is 125', () => {
  test.each([
    [['run'], 'no command to run was given'],
    [['run', '-C', 'none', 'true'], 'there is no such directory'],
    [['run', '-v', 'nmp:', 'true'], 'has an empty path'],
    [['run', '-n', 'A B', 'true'], '--namespace: "A B"'],
    [['run', '--comit=exit', 'true'], 'did you mean --commit?'],
    [
      ['run', '--lock-timeout', '-1', 'true'],
      '--lock-timeout must be a number of seconds, not "-1"\n  write the seconds as in 60 or 0.5\n',
    ],
    [
      ['run', '-v', 'npm', '-v', 'd:x', '--sharing', 'nmp=SHARED', 'true'],
      'did you mean npm?\n  its volumes: npm, d\n',
    ],
    [
      ['run', '-v', 'npm', '--mounter=overlay', '--sharing=SHARED', 'true'],
      '--mounter overlay gives each run its own view and cannot be used with --sharing SHARED\n' +
        '  PRIVATE goes with overlay, clone; SHARED goes with live; LOCKED goes with overlay, clone, live; without',
    ],
    [
      ['run', '-v', 'npm', '--mounter=live', '--sharing=npm=PRIVATE', 'true'],
      '--mounter live gives all runs one directory and cannot be used with --sharing PRIVATE',
    ],
    [['run', '--sharing', 'npm=SHARED', 'true'], 'the run has no volumes: name one with -v'],
  ])('%j', async (argv, message) => {
    using on = stage();
    expect(await on.cachelane(...argv)).toBe(125);
    expect(on.err()).toContain(message);
    expect(on.commands).toEqual([]);
  });
});

describe('signals', () => {
  test('a signal that ends the command ends us too', async () => {
    using on = stage({ command: () => exited(143, { interrupted: true, receivedSignal: 'SIGTERM' }) });
    expect(await on.cachelane('run', '--mode=none', 'true')).toBe(143);
    expect(on.diedOf).toEqual(['SIGTERM']);
  });

  test('a signal that the command handles, or got alone, does not', async () => {
    using on = stage({ command: () => exited(0, { interrupted: true, receivedSignal: 'SIGINT' }) });
    expect(await on.cachelane('run', '--mode=none', 'true')).toBe(0);
    using other = stage({ command: () => exited(143, { interrupted: true }) });
    expect(await other.cachelane('run', '--mode=none', 'true')).toBe(143);
    expect([...on.diedOf, ...other.diedOf]).toEqual([]);
  });

  test('during preparation a signal ends us and nothing runs', async () => {
    using on = stage({
      pieces: {
        loadTools: () => {
          on.signal('SIGINT');
          return Promise.resolve([]);
        },
      },
    });
    expect(await on.cachelane('run', 'true')).toBe(130);
    expect(on.commands).toEqual([]);
    expect(on.diedOf).toEqual(['SIGINT']);
    expect(on.err()).not.toContain('bug');
  });

  test('while the command runs, signals do not end us', async () => {
    using on = stage({
      command: () => {
        on.signal('SIGINT');
        return exited(0);
      },
    });
    expect(await on.cachelane('run', '--mode=none', 'true')).toBe(0);
    expect(on.diedOf).toEqual([]);
  });
});

test('a runtime that loses the command is not asked to run it again', async () => {
  using on = stage({ command: () => Promise.reject(new Error('lost')) });
  expect(await on.cachelane('run', '--mode=none', 'true')).toBe(125);
  expect(on.commands).toHaveLength(1);
});

test('the command line is never printed', async () => {
  using on = stage({ pieces: failing('E_STORE_CORRUPT') });
  for (const reporter of ['plain', 'tty', 'json', 'github']) {
    await on.cachelane('run', '--reporter', reporter, '-v', 'npm', '--', 'deploy', '--token=s3cret');
  }
  expect(on.err()).not.toContain('s3cret');
});
