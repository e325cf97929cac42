import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Namespace } from '@cachelane/core';
import { aLayer, openOne, openRequest } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { stage } from '../../fixtures/staged-host.fixture.ts';
import { ids, json, localName, push, startMs, web } from '../share/pushed.fixture.ts';

describe('ls', () => {
  test('an empty store', async () => {
    using on = stage();
    expect(await on.cachelane('ls')).toBe(0);
    expect(on.out()).toBe('There are no volumes yet.\n');
    using other = stage();
    await other.cachelane('ls', '--json');
    expect(other.out()).toBe('[]\n');
  });

  test('one row for each lane of each volume, always with key and namespace', async () => {
    using on = stage();
    await push(on, { name: 'npm', compat: { os: 'linux', arch: 'x64' }, layers: ['a', 'b'] });
    await push(on, { namespace: 'a/first' as Namespace, name: 'data', layers: ['c'] });
    await on.cachelane('ls');
    expect(on.out().replaceAll(/run_\w+/g, 'run_')).toBe(
      [
        'NAMESPACE            VOLUME  COMPAT             LANE      GEN  LAYERS  FILES    SIZE  UPDATED               LAST RUN',
        'a/first              data    -                  t1:local    1       1      5  4.1 kB  2026-01-01 00:00:00Z  run_',
        'github.com/acme/web  npm     arch=x64 os=linux  t1:local    2       2     10  8.2 kB  2026-01-02 00:00:00Z  run_',
        '',
      ].join('\n'),
    );
  });

  test('as JSON', async () => {
    using on = stage();
    await push(on, { compat: { os: 'linux' }, layers: ['a', 'b'] });
    await on.cachelane('ls', '--json');
    expect(json(on)).toEqual([
      {
        namespace: web,
        volume: 'npm',
        compat: { os: 'linux' },
        lane: 't1:local',
        generation: 2,
        layers: 2,
        files: 10,
        sizeBytes: 8192,
        updatedAt: '2026-01-02T00:00:00.000Z',
        lastRun: expect.stringMatching(/^run_[0-9a-f]{32}$/),
      },
    ]);
  });

  test('of one namespace or the project', async () => {
    using on = stage();
    await push(on, { layers: ['a'] });
    await on.cachelane('ls', '-n', 'no/such');
    expect(on.out()).toBe('no/such has no volumes yet.\n');
    using sized = stage({ metadata: on.metadata });
    await sized.cachelane('du', '-n', 'no/such');
    expect(sized.out()).toMatch(/^no\/such has no volumes yet\.\n/);
    using here = stage();
    await push(here, { namespace: await localName(here), layers: ['a'] });
    await push(here, { layers: ['a'] });
    await here.cachelane('ls', '--here', '--json');
    expect(json(here)).toHaveLength(1);
  });
});

test('ls refuses a directory that does not exist', async () => {
  using on = stage();
  expect(await on.cachelane('ls', '-C', `${on.dir}/none`)).toBe(2);
  expect(on.err()).toContain('there is no such directory');
});

describe('inspect', () => {
  test('a volume', async () => {
    using on = stage();
    await push(on, { layers: ['a', 'b'] });
    await on.cachelane('inspect', `${web}:npm`, '--json');
    expect(json(on)).toMatchObject({
      namespace: web,
      volume: 'npm',
      heads: [
        {
          lane: 't1:local',
          generation: 2,
          layers: [{ layer: aLayer('b'), added: 3, bytes: 4096 }, { layer: aLayer('a') }],
        },
      ],
    });
    using other = stage();
    await push(other, { layers: ['a'] });
    await other.cachelane('inspect', `${web}:npm`);
    expect(other.out()).toContain(`${web}:npm, lane t1:local, generation 1, compat -, tool npm`);
  });

  test('a missing layer', async () => {
    using on = stage();
    expect(await on.cachelane('inspect', 'f'.repeat(64))).toBe(1);
    expect(on.err()).toContain('the store has no layer');
  });
});

/** Removing a volume also removes its kept directories. */
describe('ns', () => {
  test('adopt hands the volumes of the directory over', async () => {
    using on = stage({ env: { CACHELANE_NAMESPACE: web } });
    const local = await localName(on);
    await push(on, { namespace: local, layers: ['a'] });
    expect(await on.cachelane('ns', 'adopt', '--dry-run')).toBe(0);
    expect(on.out()).toBe(`would rename ${local} to ${web} (npm); both names work\n`);
    expect(await on.cachelane('ns', 'adopt')).toBe(0);
    expect(await on.cachelane('log', 'npm')).toBe(0);
    expect(await on.cachelane('log', `${local}:npm`)).toBe(0);
  });

  test('adopt while a run has opened a volume of the new name', async () => {
    using on = stage({ env: { CACHELANE_NAMESPACE: web } });
    const local = await localName(on);
    await push(on, { namespace: local, layers: ['a'] });
    await openOne(on.metadata, openRequest(ids, { namespace: web, volumes: [{ name: 'npm' }], atMs: startMs }));
    expect(await on.cachelane('ns', 'adopt', '--dry-run')).toBe(0);
    expect(await on.cachelane('ns', 'adopt')).toBe(0);
    expect(await on.cachelane('log', 'npm')).toBe(0);
  });

  test('adopt with nothing to adopt', async () => {
    using on = stage();
    expect(await on.cachelane('ns', 'adopt')).toBe(2);
    using named = stage({ env: { CACHELANE_NAMESPACE: web } });
    expect(await named.cachelane('ns', 'adopt')).toBe(1);
    expect(named.err()).toContain('there is no namespace local/project-');
  });

  test('rename and its refusals', async () => {
    using on = stage();
    const other = 'github.com/acme/other' as Namespace;
    await push(on, { layers: ['a'] });
    await push(on, { namespace: other, layers: ['b'] });
    expect(await on.cachelane('ns', 'rename', web, other, '--dry-run')).toBe(2);
    expect(on.err()).toContain('with volumes of its own: npm');
    expect(await on.cachelane('ns', 'rename', web, 'github.com/acme/new', '--json')).toBe(0);
    expect(json(on)).toMatchObject({ dryRun: false, from: web, to: 'github.com/acme/new', volumes: ['npm'] });
  });

  test('ls', async () => {
    using on = stage();
    await push(on, { layers: ['a'] });
    await on.cachelane('ns', 'ls', '--json');
    expect(json(on)).toMatchObject([{ namespace: web, aliases: [], volumes: 1, sizeBytes: 4096 }]);
  });
});

describe('context', () => {
  test('has the documented shape', async () => {
    using on = stage();
    await on.cachelane('context', '-n', 'a/b', '--json');
    expect(json(on)).toEqual({
      endpoint: 'local',
      namespace: 'a/b',
      lane: 't1:local',
      trust: 'T1',
      readChain: [{ namespace: 'a/b', lane: 't1:local' }],
      canWrite: true,
      why: 'this is no CI job, so it uses the lane of this machine, which all branches share',
      inputs: expect.arrayContaining([{ name: 'namespace', value: 'a/b', source: '--namespace' }]),
      remote: { address: null, source: 'no remote is set' },
      push: { mode: 'never', source: 'there is no remote' },
    });
  });

  test('shows the remote, its source and the push mode', async () => {
    using on = stage({ env: { CACHELANE_REMOTE: 's3://bucket/a/?region=x', CACHELANE_PUSH: 'wait' } });
    await on.cachelane('context');
    expect(on.out()).toMatch(
      /^remote: {5}s3:\/\/bucket\/a\?region=x \(CACHELANE_REMOTE\)\npushes: {5}wait \(CACHELANE_PUSH\)$/m,
    );
    using other = stage({ env: { CACHELANE_REMOTE: 'dir:/mnt/cache' } });
    await other.cachelane('context', '--no-remote');
    expect(other.out()).toMatch(/^remote: {5}no remote \(--no-remote\)$/m);
    expect(other.out()).not.toContain('pushes');
  });

  test.each([['run', '-v', 'npm', 'true'], ['shell', '--', 'true'], ['prune', 'npm'], ['context'], ['doctor']])(
    '%s refuses invalid addresses and contradicting flags',
    async (...argv) => {
      const at = 1;
      for (const wrong of [
        ['--remote', '/mnt/cache'],
        ['--remote', 'dir:/mnt/cache', '--no-remote'],
        ['--push', 'often'],
      ]) {
        using on = stage();
        expect(await on.cachelane(...argv.slice(0, at), ...wrong, ...argv.slice(at))).toBe(
          ['run', 'shell'].includes(argv[0] ?? '') ? 125 : 2,
        );
        expect(on.err()).toContain(
          '--remote' === wrong[0] ? '--remote' : '--push must be one of wait, background, never',
        );
        expect(on.commands).toEqual([]);
      }
    },
  );

  test.each([
    's3://AKIA:s3cret@bucket/a',
    's3://s3cret@bucket',
    's3://AKIA:s3/cret@bucket',
    's3://bucket?endpoint=https://key:s3cret@host',
    's3://bucket?secret=s3cret',
    'https://key:s3cret@host/path?X-Amz-Signature=s3cret',
  ])('a remote with credentials in it is refused and not repeated: %s', async (address) => {
    for (const argv of [
      ['context'],
      ['doctor'],
      ['run', '-v', 'npm', 'true'],
      ['run', '--strict', '-v', 'npm', 'true'],
    ]) {
      using on = stage({ env: { CACHELANE_REMOTE: address } });
      await on.cachelane(...argv);
      expect(on.out() + on.err()).toContain('CACHELANE_REMOTE: ');
      expect(on.out() + on.err()).not.toMatch(/s3cret|cret@/);
      using flagged = stage();
      expect(await flagged.cachelane(argv[0] ?? '', ...argv.slice(1, -1), '--remote', address, ...argv.slice(-1))).toBe(
        argv[0] === 'run' ? 125 : 2,
      );
      expect(flagged.out() + flagged.err()).not.toMatch(/s3cret|cret@/);
      expect(flagged.commands).toEqual([]);
    }
  });

  test('warns about a file with a similar name', async () => {
    using on = stage();
    writeFileSync(join(on.project, 'cachelane.yml'), 'namespace: a/b');
    await on.cachelane('context');
    expect(on.err()).toContain('cachelane.yml is ignored: the file must be named cachelane.yaml');
  });

  test('warns of settings of the file in vain, on stderr', async () => {
    using on = stage();
    writeFileSync(join(on.project, 'cachelane.yaml'), 'policy: { siblings: read }');
    await on.cachelane('context');
    expect(on.err()).toContain('cachelane.yaml:1:11: policy siblings is not supported by this version, ignored');
    expect(on.out()).toMatch(/^endpoint: {3}local\n/);
  });
});

describe('doctor', () => {
  test('all checks pass', async () => {
    using on = stage({ env: { PATH: process.env['PATH'] ?? '' } });
    const code = await on.cachelane('doctor', '--json');
    const { usable, checks } = json(on) as { usable: boolean; checks: { name: string; status: string }[] };
    expect(code).toBe(usable ? 0 : 1);
    expect(checks.map(({ name }) => name)).toEqual([
      'node',
      'home',
      'permissions',
      'file system',
      'free space',
      'state.db',
      'boot id',
      'bwrap',
      'flock',
      'env',
      'mounts by',
      'mounts',
      'images',
      'CI',
      'context',
      'remote',
    ]);
  });

  const noMounts = {
    probeMounts: async () =>
      await Promise.resolve({ ok: false as const, reason: 'no user namespaces', mend: 'ask for them' }),
  };

  test('an unmountable image is no warning', async () => {
    const no = { ok: false, reason: 'only root can', mend: 'ask root' } as const;
    using on = stage({ pieces: { probeImages: async () => await Promise.resolve(no) } });
    await on.cachelane('doctor', '--verbose');
    expect(on.out()).toContain('ok    images: runs need layers unpacked: only root can (ask root)\n');
    using brief = stage({ pieces: { probeImages: async () => await Promise.resolve(no) } });
    await brief.cachelane('doctor');
    expect(brief.out()).toContain('ok    images: unpacked\n');
  });

  test('without mounts it describes the fallback and a fix', async () => {
    using on = stage({ pieces: noMounts });
    expect(await on.cachelane('doctor', '--verbose')).toBe(0);
    expect(on.out()).toContain('mounts by: bubblewrap: the stage has no other');
    expect(on.out()).toMatch(/warn {2}mounts: no user namespaces: .*\(clone\).*\n {6}ask for them\n/);
  });

  test('one line for each check, problems first with a fix', async () => {
    using on = stage({ pieces: { ...noMounts, openMetadata: async () => await Promise.reject(new Error('broken')) } });
    await on.cachelane('doctor');
    const states = on
      .out()
      .split('\n')
      .slice(0, -3)
      .map((line) => line.split(' ', 1)[0]);
    expect(states).toEqual(
      states.toSorted((a, b) => 'fail warn ok'.indexOf(a ?? '') - 'fail warn ok'.indexOf(b ?? '')),
    );
    expect(on.out()).toMatch(/^fail {2}state\.db: broken\n(?:fail .*\n)*warn {2}/);
    expect(on.out()).toMatch(/^warn {2}mounts: no user namespaces: .*; ask for them$/m);
    expect(on.out()).toMatch(/^ok {4}home: \S+$/m);
  });

  test('exits with 1 if a run would have no cache', async () => {
    using on = stage({ pieces: { openMetadata: async () => await Promise.reject(new Error('it is broken')) } });
    expect(await on.cachelane('doctor')).toBe(1);
    expect(on.out()).toContain('fail  state.db: it is broken');
    expect(on.out()).toMatch(/Runs here have no cache\.\nMore: cachelane doctor --verbose\n$/);
  });
});

describe('usage', () => {
  test.each([
    [['frobnicate'], 'unknown command "frobnicate"'],
    [['npm', 'ci', '--token=s3cret'], 'to run a command with its caches: cachelane run -- npm …'],
    [['lss'], 'did you mean ls?'],
    [['ns'], 'ns needs one more word'],
    [['ns', 'renam'], 'did you mean ns rename?'],
    [['--strict', 'run'], 'options follow the command'],
    [['ls', '--jsno'], 'did you mean --json?'],
    [['log'], 'VOLUME is missing'],
    [['log', 'a/b'], 'E_'],
    [['ls', '-n', 'A//B'], '--namespace'],
  ])('%j', async (argv, message) => {
    using on = stage();
    expect(await on.cachelane(...argv)).toBe(2);
    if (message !== 'E_') expect(on.err()).toContain(message);
    expect(on.err()).not.toContain('s3cret');
    expect(on.out()).toBe('');
  });

  test('every command has help, on stdout', async () => {
    const { commandList } = await import('../../app/command-list.ts');
    for (const { name } of commandList) {
      using on = stage();
      expect(await on.cachelane(...name.split(' '), '--help')).toBe(0);
      expect(on.out()).toMatch(new RegExp(`^Usage: cachelane ${name} `, 'm'));
      using other = stage();
      await other.cachelane('help', ...name.split(' '));
      expect(other.out()).toBe(on.out());
    }
  });

  test('rm says that it cannot be undone', async () => {
    using on = stage();
    await on.cachelane('rm', '--help');
    expect(on.out().replaceAll(/\s+/g, ' ')).toContain('Rollback cannot restore it');
  });

  test('help, and help of a group', async () => {
    using on = stage();
    expect(await on.cachelane('help')).toBe(0);
    expect(on.out()).toContain('ns rename');
    using group = stage();
    expect(await group.cachelane('ns', '--help')).toBe(0);
    expect(group.out()).not.toContain('doctor');
    using none = stage();
    expect(await none.cachelane()).toBe(2);
    expect([none.out(), none.err().slice(0, 6)]).toEqual(['', 'Usage:']);
  });
});
