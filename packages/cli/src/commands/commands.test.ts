import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Namespace } from '@cachelane/core';
import { aLayer, openMemoryMounter, openOne, openRequest } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { projectOf } from '../find-volume.ts';
import { mergeRequestOfFork, stage, type Stage } from '../staged-host.fixture.ts';
import { ids, json, push, startMs, web } from './pushed.fixture.ts';

async function localName(on: Stage): Promise<Namespace> {
  const { context } = await projectOf(on.host, { directory: undefined, namespace: undefined });
  return context.localNamespace;
}

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

  test('of one namespace, or of the project', async () => {
    using on = stage();
    await push(on, { layers: ['a'] });
    await on.cachelane('ls', '-n', 'no/such');
    expect(on.out()).toBe('no/such has no volumes yet.\n');
    using here = stage();
    await push(here, { namespace: await localName(here), layers: ['a'] });
    await push(here, { layers: ['a'] });
    await here.cachelane('ls', '--here', '--json');
    expect(json(here)).toHaveLength(1);
  });
});

describe('log', () => {
  test('newest first', async () => {
    using on = stage();
    await push(on, { layers: ['a', 'b'] });
    expect(await on.cachelane('log', `${web}:npm`, '--json')).toBe(0);
    expect(json(on)).toEqual([
      {
        generation: 2,
        layer: aLayer('b'),
        run: expect.stringMatching(/^run_/),
        lane: 't1:local',
        at: '2026-01-02T00:00:00.000Z',
        added: 3,
        changed: 2,
        removed: 1,
        bytes: 4096,
      },
      expect.objectContaining({ generation: 1, layer: aLayer('a') }),
    ]);
    expect(await on.cachelane('log', `${web}:npm`, '--lane', 't1:pr:1', '--json')).toBe(0);
  });

  test('a volume that is not there', async () => {
    using on = stage();
    await push(on, { layers: ['a'] });
    expect(await on.cachelane('log', `${web}:nmp`)).toBe(1);
    expect(on.err()).toContain('github.com/acme/web has no volume nmp; did you mean npm?');
    expect(await on.cachelane('log', 'npm')).toBe(1);
    expect(on.err()).toContain('has no volumes yet');
  });

  test('a project that got a name is told where its volumes are', async () => {
    using on = stage();
    const local = await localName(on);
    await push(on, { namespace: local, layers: ['a'] });
    expect(await on.cachelane('log', '-n', web, 'npm')).toBe(1);
    expect(on.err()).toContain(`still those of ${local}: cachelane ns adopt`);
  });
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

  test('a layer that is not there', async () => {
    using on = stage();
    expect(await on.cachelane('inspect', 'f'.repeat(64))).toBe(1);
    expect(on.err()).toContain('there is no layer');
  });
});

/** Removing a volume removes what is kept of it as well. */
const withMounters = {
  openMounters: async () => {
    const mounter = openMemoryMounter();
    return await Promise.resolve({ overlay: mounter, clone: mounter, live: mounter });
  },
};

describe('rm', () => {
  test.each([[], ['--lane', 't1:local'], ['--all-lanes'], ['--dry-run']])(
    'is refused where a run may save nothing: %j',
    async (...options) => {
      using on = stage({ env: mergeRequestOfFork });
      await push(on, { layers: ['a'] });
      expect(await on.cachelane('rm', `${web}:npm`, ...options)).toBe(2);
      expect(on.err()).toMatch(
        /the lane t0:\S+ may not be written here: .*\n  do this where a run of this lane may save\n/,
      );
      expect(await on.metadata.listHeads(new AbortController().signal)).toHaveLength(1);
    },
  );

  test('a dry run removes nothing, and says what', async () => {
    using on = stage({ pieces: withMounters });
    await push(on, { layers: ['a', 'b'] });
    expect(await on.cachelane('rm', `${web}:npm`, '--dry-run', '--json')).toBe(0);
    expect(json(on)).toEqual({
      dryRun: true,
      volume: `${web}:npm`,
      removed: [{ compat: {}, lane: 't1:local', generation: 2, layers: 2, sizeBytes: 8192 }],
    });
    expect(await on.metadata.listHeads(new AbortController().signal)).toHaveLength(1);
  });

  test('removes the lane that a run here writes', async () => {
    using on = stage({ pieces: withMounters });
    await push(on, { layers: ['a'] });
    expect(await on.cachelane('rm', `${web}:npm`)).toBe(0);
    expect(on.out()).toBe('removed github.com/acme/web:npm (-) in lane t1:local: generation 1, 1 layer, 4.1 kB\n');
    expect(await on.metadata.listVolumes(new AbortController().signal)).toEqual([]);
  });

  test('another lane is only removed by name', async () => {
    using on = stage({ pieces: withMounters });
    await push(on, { layers: ['a'] });
    expect(await on.cachelane('rm', `${web}:npm`, '--lane', 't1:ref:main')).toBe(1);
    expect(on.err()).toContain('it has: t1:local');
    expect(await on.cachelane('rm', `${web}:npm`, '--lane', 'main')).toBe(2);
    expect(await on.cachelane('rm', `${web}:npm`, '--lane', 't1:local', '--all-lanes')).toBe(2);
    expect(await on.metadata.listHeads(new AbortController().signal)).toHaveLength(1);
  });
});

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

  test('adopt, while a run has opened a volume of the new name and saved nothing', async () => {
    using on = stage({ env: { CACHELANE_NAMESPACE: web } });
    const local = await localName(on);
    await push(on, { namespace: local, layers: ['a'] });
    await openOne(on.metadata, openRequest(ids, { namespace: web, volumes: [{ name: 'npm' }], atMs: startMs }));
    expect(await on.cachelane('ns', 'adopt', '--dry-run')).toBe(0);
    expect(await on.cachelane('ns', 'adopt')).toBe(0);
    expect(await on.cachelane('log', 'npm')).toBe(0);
  });

  test('adopt where there is nothing to adopt', async () => {
    using on = stage();
    expect(await on.cachelane('ns', 'adopt')).toBe(2);
    using named = stage({ env: { CACHELANE_NAMESPACE: web } });
    expect(await named.cachelane('ns', 'adopt')).toBe(1);
    expect(named.err()).toContain('there is no namespace local/project-');
  });

  test('rename, and what it refuses', async () => {
    using on = stage();
    const other = 'github.com/acme/other' as Namespace;
    await push(on, { layers: ['a'] });
    await push(on, { namespace: other, layers: ['b'] });
    expect(await on.cachelane('ns', 'rename', web, other, '--dry-run')).toBe(2);
    expect(on.err()).toContain('has volumes of its own: npm');
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

describe('context show', () => {
  test('has the documented shape', async () => {
    using on = stage();
    await on.cachelane('context', 'show', '-n', 'a/b', '--json');
    expect(json(on)).toEqual({
      endpoint: 'local',
      namespace: 'a/b',
      lane: 't1:local',
      trust: 'T1',
      readChain: [{ namespace: 'a/b', lane: 't1:local' }],
      canWrite: true,
      inputs: expect.arrayContaining([{ name: 'namespace', value: 'a/b', source: '--namespace' }]),
    });
  });

  test('warns of a file that has nearly the right name', async () => {
    using on = stage();
    writeFileSync(join(on.project, 'cachelane.yml'), 'namespace: a/b');
    await on.cachelane('context', 'show');
    expect(on.err()).toContain('cachelane.yml is not read: the file is called cachelane.yaml');
  });

  test('warns of what the file says in vain, on stderr', async () => {
    using on = stage();
    writeFileSync(join(on.project, 'cachelane.yaml'), 'policy: {}');
    await on.cachelane('context', 'show');
    expect(on.err()).toContain('cachelane.yaml:1:1: policy is not supported by this version, ignored');
    expect(on.out()).toMatch(/^endpoint: {3}local\n/);
  });
});

describe('doctor', () => {
  test('where everything is well', async () => {
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
      'CI',
      'context',
    ]);
  });

  const noMounts = {
    probeMounts: async () =>
      await Promise.resolve({ ok: false as const, reason: 'no user namespaces', mend: 'ask for them' }),
  };

  test('where nothing can be mounted it says what a run does instead, with the mend', async () => {
    using on = stage({ pieces: noMounts });
    expect(await on.cachelane('doctor')).toBe(0);
    expect(on.out()).toContain('mounts by: bubblewrap: the stage has no other');
    expect(on.out()).toMatch(/warn {2}mounts: no user namespaces: .*\(clone\).*\n {6}ask for them\n/);
  });

  test('a run that would go bare is exit code 1', async () => {
    using on = stage({ pieces: { openMetadata: async () => await Promise.reject(new Error('it is broken')) } });
    expect(await on.cachelane('doctor')).toBe(1);
    expect(on.out()).toContain('fail  state.db: it is broken');
    expect(on.out()).toMatch(/A run here would go on without a cache\.\n$/);
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
    const { commandList } = await import('../command-list.ts');
    for (const { name } of commandList) {
      using on = stage();
      expect(await on.cachelane(...name.split(' '), '--help')).toBe(0);
      expect(on.out()).toMatch(new RegExp(`^Usage: cachelane ${name} `));
      using other = stage();
      await other.cachelane('help', ...name.split(' '));
      expect(other.out()).toBe(on.out());
    }
  });

  test('rm says that it is for good', async () => {
    using on = stage();
    await on.cachelane('rm', '--help');
    expect(on.out().replaceAll(/\s+/g, ' ')).toContain('rollback does not bring it back');
  });

  test('help, and help of a group', async () => {
    using on = stage();
    expect(await on.cachelane('help')).toBe(0);
    expect(on.out()).toContain('  ns rename     give a namespace another name\n');
    using group = stage();
    expect(await group.cachelane('ns', '--help')).toBe(0);
    expect(group.out()).not.toContain('doctor');
    using none = stage();
    expect(await none.cachelane()).toBe(2);
    expect([none.out(), none.err().slice(0, 6)]).toEqual(['', 'Usage:']);
  });
});
