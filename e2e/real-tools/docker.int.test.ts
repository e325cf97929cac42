import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RunReport } from '@cachelane/core';
import { requireCommands, startDockerDaemon, type DockerDaemon } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openWorld } from '../cli.fixture.ts';

// A default, unprivileged container cannot mount. The image is built from this machine's programs, without a registry.

/** The programs that the CLI and these tests call. */
const programs = [
  'bwrap',
  'sh',
  'env',
  'nice',
  'flock',
  'tar',
  'cat',
  'find',
  'xargs',
  'rm',
  'sleep',
  'sync',
  'id',
  'ls',
  'cp',
];

/** Fills a root directory with the programs, their libraries and the CLI. */
function makeRoot(root: string, [node, bundle]: readonly [string, string]): void {
  for (const dir of ['bin', 'tmp', 'etc', 'proc', 'dev', 'sys', 'job', 'home', 'root']) {
    mkdirSync(join(root, dir), { recursive: true });
  }
  symlinkSync('bin', join(root, 'sbin'));
  const copy = (from: string, to: string): void => {
    const target = join(root, to);
    if (existsSync(target)) return;
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(from, target);
  };
  const add = (from: string, to: string): void => {
    copy(realpathSync(from), to);
    const libraries = spawnSync('ldd', [from], { encoding: 'utf8' }).stdout;
    for (const [path] of libraries.matchAll(/\/\S+/g)) if (existsSync(path)) copy(realpathSync(path), path);
  };
  for (const program of programs) {
    add(execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim(), `bin/${program}`);
  }
  add(node, 'bin/node');
  // Include the bundle's companion files.
  for (const name of readdirSync(dirname(bundle)).filter((name) => name.endsWith('.cjs'))) {
    copy(join(dirname(bundle), name), `bin/${name}`);
  }
}

/** Imports the image as `cachelane-test`. */
function importImage(daemon: DockerDaemon): void {
  const root = mkdtempSync(join(tmpdir(), 'cachelane-image-'));
  makeRoot(root, inject('cachelaneProgram'));
  execFileSync('sh', [
    '-c',
    'chmod -R a+rX "$1"; chmod 1777 "$1/tmp" "$1/job"; tar -C "$1" -cf "$1.tar" .',
    'sh',
    root,
  ]);
  rmSync(root, { recursive: true });
  expect(daemon.docker('import', `${root}.tar`, 'cachelane-test')).toMatchObject({ code: 0 });
  rmSync(`${root}.tar`);
}

/** Returns a command that writes a file at a path of this machine from inside a container. */
function inContainer({ socket }: DockerDaemon, place: string): readonly string[] {
  const script = 'echo 1 > /cache/f';
  return [
    'sh',
    '-c',
    `docker -H ${socket} run --rm --network=none -v ${place}:/cache cachelane-test sh -c '${script}'`,
  ];
}

requireCommands(
  'dockerd',
  'docker',
  'flock',
)('with a daemon', () => {
  describe.runIf(process.getuid?.() === 0)('of root', () => {
    let daemon: DockerDaemon;
    beforeAll(async () => {
      daemon = await startDockerDaemon();
      importImage(daemon);
    });
    afterAll(() => {
      daemon[Symbol.dispose]();
    });

    test.each(['0:0', '1000:1000'])(
      'a run in a default container as %s works, names its mounter, and is warm the second time',
      (user) => {
        const work = `cachelane-work-${user.replace(':', '-')}`;
        const run = (
          script: string,
        ): { readonly stdout: string; readonly stderr: string; readonly report: RunReport } => {
          const line = `cd /job && node /bin/cachelane.cjs run --verbose --report /job/report.json -v data:cache -v npm -- sh -c '${script}' && cat report.json`;
          const ended = daemon.docker(
            'run',
            '--rm',
            '--network=none',
            `--user=${user}`,
            `--volume=${work}:/job`,
            '--env=CACHELANE_HOME=/job/store',
            '--env=HOME=/job/home',
            'cachelane-test',
            'sh',
            '-c',
            line,
          );
          expect(ended).toMatchObject({ code: 0 });
          const at = ended.stdout.indexOf('{');
          const report = JSON.parse(ended.stdout.slice(at)) as RunReport;
          return { stdout: ended.stdout.slice(0, at), stderr: ended.stderr, report };
        };
        expect(daemon.docker('volume', 'create', work).code).toBe(0);
        const cold = run('echo 1 > cache/f; echo 2 > $npm_config_cache/g; id -u');
        expect(cold.stdout).toBe(`${user.split(':')[0]}\n`);
        expect(cold.report.volumes).toMatchObject([
          { name: 'data', mounter: 'clone', added: 1, hits: [], skipped: null },
          { name: 'npm', mounter: 'clone', added: 1, hits: [], skipped: null },
        ]);
        expect(cold.stderr).toContain('clone: volumes cannot be mounted here');
        const warm = run('cat cache/f $npm_config_cache/g');
        expect(warm.stdout).toBe('1\n2\n');
        expect(warm.report.volumes.map(({ hits }) => hits.length)).toEqual([1, 1]);
        expect(warm.report.volumes.map(({ layer }) => layer)).toEqual([null, null]);
      },
    );

    requireCommands('bwrap')('a container that a command starts', () => {
      test('does not see a mounted volume, and the run names another way', async () => {
        using world = openWorld();
        const warned = await world.run(inContainer(daemon, '~/.npm'), { options: ['-v', 'npm'] });
        expect(warned.volume('npm')).toMatchObject({ added: 0 });
        expect(warned.stderr).toContain('and not the volume (npm); for npm, run with --mounter clone and mount');
        const options = ['-v', 'npm', '--mounter', 'clone'];
        const run = await world.run(inContainer(daemon, '"$NPM_CONFIG_CACHE"'), { options });
        expect(run.stderr).not.toContain('warning');
        expect(run.volume('npm')).toMatchObject({ added: 1, skipped: null });
        expect((await world.run(['sh', '-c', 'cat ~/.npm/f'], { options: ['-v', 'npm'] })).stdout).toBe('1\n');
      });
    });
  });
});
