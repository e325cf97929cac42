import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { RunReport } from '@cachelane/core';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { sandbox, type Finished, type Sandbox } from '../fixtures/cli-process.fixture.ts';

// The cli from source, as processes, with real overlays.

const writeBoth = (name: string): string => `echo x > a/${name}; echo x > b/${name}; exit 3`;
const json = ({ stdout }: Finished): unknown => JSON.parse(stdout);

/** The command runs once without a cache, with one warning; strictly it does not run. */
async function runsBare(box: Sandbox, why: RegExp): Promise<void> {
  const end = await box.run('mkdir cache; echo ran');
  expect([end.code, end.stdout]).toEqual([0, 'ran\n']);
  expect(end.stderr.match(/warning/g)).toHaveLength(1);
  expect(end.stderr).toMatch(why);
  expect(end.report.volumes).toMatchObject([{ name: 'data', mounter: null, skipped: expect.stringMatching(why) }]);
  const strict = await box.cachelane('run', '--strict', '-v', 'data:cache', '--', 'sh', '-c', 'echo ran');
  expect([strict.code, strict.stdout]).toEqual([125, '']);
  expect(strict.stderr).toMatch(why);
}

requireCommands(
  'bwrap',
  'flock',
  'sh',
)('cachelane run', () => {
  test('the next run of the project finds what a run saved, and other projects do not', async () => {
    using box = sandbox();
    const first = await box.run('echo one > cache/a; echo out; echo err >&2; exit 0');
    expect(first).toMatchObject({ code: 0, stdout: 'out\n' });
    expect(first.stderr).toContain('err\n');
    expect(first.report.volumes).toMatchObject([
      { name: 'data', path: join(box.project, 'cache'), mounter: 'overlay', hits: [], added: 1, skipped: null },
    ]);
    // The host's directory is unchanged, and the mount point is removed.
    expect(existsSync(join(box.project, 'cache'))).toBe(false);

    const second = await box.run('cat cache/a; echo two > cache/b');
    expect(second.stdout).toBe('one\n');
    expect(second.report.volumes[0]?.hits).toMatchObject([{ lane: 't1:local', layers: 1 }]);

    const log = (await box.cachelane('log', 'data', '--json')).stdout;
    expect(JSON.parse(log)).toMatchObject([
      { generation: 2, layer: second.report.volumes[0]?.layer, added: 1 },
      { generation: 1, layer: first.report.volumes[0]?.layer },
    ]);
    expect(json(await box.cachelane('ls', '--json'))).toMatchObject([
      { volume: 'data', lane: 't1:local', generation: 2, layers: 2, files: 2 },
    ]);
    const layer = String(second.report.volumes[0]?.layer);
    expect(json(await box.cachelane('inspect', layer.slice(0, 12), '--json'))).toMatchObject({
      layer,
      volume: 'data',
      entries: [{ path: 'b', type: 'file', sizeBytes: 4 }],
    });
  });

  test('two runs at once both save their layers', async () => {
    using box = sandbox();
    const scripts = ['a', 'b', 'c'].map(
      (name) =>
        `echo ${name} > cache/${name}; touch ready-${name}; while [ $(ls -d ready-* | wc -l) -lt 3 ]; do sleep 0.05; done`,
    );
    const ends = await Promise.all(scripts.map((script) => box.run(script)));
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect((await box.run('ls cache')).stdout).toBe('a\nb\nc\n');
  });

  test('lockfiles and the file choose the volumes', async () => {
    using box = sandbox();
    writeFileSync(join(box.project, 'go.mod'), 'module example.com/web\n');
    const detected = await box.cachelane('run', '--report', 'r.json', '--', 'true');
    expect(detected.code).toBe(0);
    const names = (): string[] =>
      (JSON.parse(readFileSync(join(box.project, 'r.json'), 'utf8')) as { volumes: { name: string }[] }).volumes.map(
        ({ name }) => name,
      );
    expect(names()).toEqual(['go-build', 'go-mod']);
    writeFileSync(join(box.project, 'cachelane.yaml'), 'namespace: a/b\nvolumes:\n  out: { path: .out }\n');
    await box.cachelane('run', '--report', 'r.json', '--', 'touch', '.out/x');
    expect(names()).toEqual(['out']);
    expect(json(await box.cachelane('ls', '-n', 'a/b', '--json'))).toMatchObject([{ namespace: 'a/b', volume: 'out' }]);
  });

  test('the exit code is that of the command, and a failed command saves nothing into an unknown directory', async () => {
    using box = sandbox();
    const end = await box.run('echo x > cache/x; exit 7');
    expect(end).toMatchObject({ code: 7, report: { exitCode: 7, volumes: [{ layer: null }] } });
    expect(end.report.volumes[0]?.skipped).toContain('exit code 7');
    expect((await box.run('echo x > cache/x; exit 7', '--commit=exit')).report.volumes[0]?.layer).not.toBeNull();
    expect((await box.cachelane('run', '-v', 'data:cache', '--', 'no-such-command')).code).toBe(127);
  });

  test('the project file sets when a volume is saved, and the command line overrides it', async () => {
    using box = sandbox();
    const layers = async (script: string, ...options: readonly string[]): Promise<readonly boolean[]> => {
      await box.cachelane('run', '--report', 'r.json', ...options, '--', 'sh', '-c', script);
      const { volumes } = JSON.parse(readFileSync(join(box.project, 'r.json'), 'utf8')) as RunReport;
      return volumes.map(({ layer }) => layer !== null);
    };
    const file = 'volumes:\n  a: { path: a, commit: always }\n  b: { path: b, commit: never }\n';
    writeFileSync(join(box.project, 'cachelane.yaml'), file);
    expect(await layers(writeBoth('1'))).toEqual([true, false]);
    expect(await layers(writeBoth('2'), '--commit', 'b=exit')).toEqual([true, true]);
    expect(await layers(writeBoth('3'), '--commit', 'success')).toEqual([false, false]);
    expect(await layers(writeBoth('4'), '--commit', 'success', '--commit', 'b=always')).toEqual([false, true]);
  });

  test('a shell saves volumes that need exit code 0, and none with commit never', async () => {
    using box = sandbox();
    const file = 'volumes:\n  a: { path: a, commit: success }\n  b: { path: b, commit: never }\n';
    writeFileSync(join(box.project, 'cachelane.yaml'), file);
    box.env['SHELL'] = join(box.dir, 'shell');
    writeFileSync(join(box.dir, 'shell'), '#!/bin/sh\necho x > a/x; echo x > b/x; exit 3\n');
    chmodSync(join(box.dir, 'shell'), 0o755);
    expect(await box.cachelane('shell', '--report', 'r.json')).toMatchObject({ code: 3 });
    const { volumes } = JSON.parse(readFileSync(join(box.project, 'r.json'), 'utf8')) as RunReport;
    expect(volumes).toMatchObject([
      { skipped: null, added: 1 },
      { layer: null, skipped: 'commit never' },
    ]);
  });

  test.each(['read', 'write-only', 'none'])('mode %s', async (mode) => {
    using box = sandbox();
    await box.run('echo x > cache/x');
    const end = await box.run('mkdir -p cache; ls cache; echo y > cache/y', `--mode=${mode}`);
    expect(end.stdout).toBe(mode === 'read' ? 'x\n' : '');
    expect(end.report.volumes[0]?.layer === null).toBe(mode !== 'write-only');
    expect(existsSync(join(box.project, 'cache'))).toBe(mode === 'none');
  });

  test('a process that outlives the command is named and ended', async () => {
    using box = sandbox();
    // Between fork and exec the process has the shell's name.
    const end = await box.run('echo x > cache/x; sleep 300 >/dev/null 2>&1 &');
    expect(end.code).toBe(0);
    expect(end.stderr).toMatch(/the command left 1 process running: ending (?:sleep|sh) \(\d+\)/);
    expect(end.report.volumes[0]?.added).toBe(1);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s reaches the command, and both end by it', async (signal) => {
    using box = sandbox();
    const run = box.start(
      'run',
      '-v',
      'data:cache',
      '--',
      'sh',
      '-c',
      'echo x > cache/x; echo started; exec sleep 300',
    );
    await run.said(/started/);
    run.child.kill(signal);
    expect(await run.finished).toMatchObject({ code: null, signal });
    expect(json(await box.cachelane('ls', '--json'))).toEqual([]);
  });

  test('a command that handles the signal keeps its exit code', async () => {
    using box = sandbox();
    const script = `trap 'echo bye; exit 9' TERM; echo started; while :; do sleep 0.05; done`;
    const run = box.start('run', '-v', 'data:cache', '--', 'sh', '-c', script);
    await run.said(/started/);
    run.child.kill('SIGTERM');
    const end = await run.finished;
    expect([end.code, end.signal]).toEqual([9, null]);
    expect(end.stdout).toBe('started\nbye\n');
  });

  test('a killed run changes no head, its command may continue, and the next start cleans up', async () => {
    using box = sandbox();
    await box.run('echo one > cache/one');
    const script = 'echo two > cache/two; echo "started $$."; exec sleep 300';
    const run = box.start('run', '-v', 'data:cache', '--', 'sh', '-c', script);
    const [, command = ''] = await run.said(/started (\d+)\./);
    run.child.kill('SIGKILL');
    await run.exited;
    expect((await box.run('ls cache')).stdout).toBe('one\n');
    const doctor = json(await box.cachelane('doctor', '--json')) as { checks: { name: string; detail: string }[] };
    expect(doctor.checks.find(({ name }) => name === 'state.db')?.detail).toContain('1 open session');
    process.kill(Number(command), 'SIGKILL');
    await run.finished;
    expect(json(await box.cachelane('gc', '--json'))).toMatchObject({ deadSessions: [expect.stringMatching(/^ses_/)] });
    expect(readdirSync(join(box.home, 'sessions'))).toEqual([]);
    expect((await box.run('ls cache')).stdout).toBe('one\n');
  });

  test('a run inside a run with the same volume', async () => {
    using box = sandbox();
    const inner = `'${process.execPath}' '${join(import.meta.dirname, '../main.ts')}' run -q -v data:cache -- sh -c 'echo in > cache/in'`;
    const end = await box.run(`echo out > cache/out; ${inner}`);
    expect(end.code).toBe(0);
    expect((await box.run('ls cache')).stdout).toBe('in\nout\n');
  });
});

requireCommands(
  'bwrap',
  'flock',
  'sh',
)('a home that is no good', () => {
  test('an invalid database', async () => {
    using box = sandbox();
    mkdirSync(box.home, { mode: 0o700 });
    writeFileSync(join(box.home, 'state.db'), 'no database, and long enough to be taken for one'.repeat(100));
    await runsBare(box, /is not a database/);
  });

  test('a database of a newer version', async () => {
    using box = sandbox();
    await box.run('true');
    const database = new DatabaseSync(join(box.home, 'state.db'));
    database.exec('PRAGMA user_version = 9999');
    database.close();
    await runsBare(box, /has format 9999/);
  });

  test('a home of an earlier build is refused with the advice to remove it', async () => {
    using box = sandbox();
    await box.run('true');
    const database = new DatabaseSync(join(box.home, 'state.db'));
    database.exec('PRAGMA application_id = 1129079150; PRAGMA user_version = 11');
    database.close();
    await runsBare(box, /an earlier build of cachelane or another program made \S+state\.db/);
    const { code, stderr } = await box.cachelane('ls');
    expect(code).not.toBe(0);
    expect(stderr).toContain(`remove ${box.home} if it is a cachelane home (the caches start cold)`);
  });

  test.runIf(process.geteuid?.() === 0)("another user's", async () => {
    using box = sandbox();
    mkdirSync(box.home);
    chownSync(box.home, 12_345, 12_345);
    await runsBare(box, /belongs to user 12345, and this command runs as user 0/);
    expect(readdirSync(box.home)).toEqual([]);
  });

  test('a file', async () => {
    using box = sandbox();
    writeFileSync(box.home, '');
    await runsBare(box, /is not a directory/);
  });

  test('missing layers are left out', async () => {
    using box = sandbox();
    await box.run('echo x > cache/x');
    rmSync(join(box.home, 'layers'), { recursive: true });
    const end = await box.run('ls cache; echo y > cache/y');
    expect([end.code, end.stdout]).toEqual([0, '']);
    expect(end.stderr).toContain('is left out');
    expect((await box.run('ls cache')).stdout).toBe('y\n');
  });
});

describe('reading commands', () => {
  test('a whole life: run, rm, gc', async () => {
    using box = sandbox();
    await box.run('echo x > cache/x');
    expect((await box.cachelane('rm', 'data', '--dry-run')).stdout).toContain('would remove');
    expect((await box.cachelane('rm', 'data')).stdout).toContain('removed');
    expect(json(await box.cachelane('ls', '--json'))).toEqual([]);
    expect(json(await box.cachelane('gc', '--dry-run', '--json'))).toMatchObject({
      dryRun: true,
      layers: [],
      deadSessions: [],
    });
    expect((await box.cachelane('gc')).code).toBe(0);
    expect((await box.cachelane('doctor', '--json')).code).toBe(0);
  });

  test('gc deletes downloads that are a day old and lists them', async () => {
    using box = sandbox();
    await box.run('true');
    mkdirSync(join(box.home, 'incoming'));
    const [old, young] = ['a', 'b'].map((digit) => `incoming/${digit.repeat(64)}.part`);
    for (const name of [old, young]) writeFileSync(join(box.home, name ?? ''), 'half of it');
    const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
    utimesSync(join(box.home, old ?? ''), twoDaysAgo, twoDaysAgo);
    expect(json(await box.cachelane('gc', '--dry-run', '--json'))).toMatchObject({ swept: [] });
    expect(existsSync(join(box.home, old ?? ''))).toBe(true);
    expect(json(await box.cachelane('gc', '--json'))).toMatchObject({ swept: [`unfinished download ${old}`] });
    expect(readdirSync(join(box.home, 'incoming'))).toEqual([`${'b'.repeat(64)}.part`]);
  });

  test('a failed write of the answer is an error', async () => {
    using box = sandbox();
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), 'help'], {
      env: box.env,
      stdio: ['ignore', full, 'ignore'],
    });
    closeSync(full);
    expect((await once(child, 'exit'))[0]).toBe(1);
  });

  test('a closed reader is no error', async () => {
    using box = sandbox();
    const help = box.start('help', 'run');
    help.child.stdout?.destroy();
    expect((await help.finished).code).toBe(0);
  });
});
