import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, inject, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { expectNoSessions, expectWholeHeads, sessionsIn, until } from './store.fixture.ts';

const options = ['-v', 'data:data', '--commit=always'];

/** Starts a process in its own session with its inherited descriptors closed. The file of its name has its pid. */
function daemon(name: string, script: string): string {
  return `setsid sh -c 'echo $$ > ../${name}; ${script}' </dev/null >/dev/null 2>&1 3>&- 4>&- & until [ -s ../${name} ]; do :; done`;
}

const pidOf = ({ dir }: World, name: string): number => Number(readFileSync(join(dir, name), 'utf8'));

/** Returns false for a process that has ended but was not reaped. */
function lives(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

requireCommands(
  'bwrap',
  'flock',
  'setsid',
)('processes that outlive their command', () => {
  describe.each(worldUsers)('as %s', (user) => {
    test('are named and ended before the save, even those that ignore signals or keep writing; the exit code is kept', async () => {
      using world = openWorld({ user });
      const script = `cd data; ${daemon('deaf', 'trap "" TERM; while :; do sleep 0.1; done')}
        ${daemon('writer', 'while :; do echo more >> log; sleep 0.001; done')}
        until [ -s log ]; do :; done; exit 3`;
      const run = await world.run(['sh', '-c', script], { options });
      expect(run.code).toBe(3);
      const [deaf, writer] = [pidOf(world, 'deaf'), pidOf(world, 'writer')];
      expect(run.stderr).toMatch(/the command left \d+ processes running: ending /);
      for (const pid of [deaf, writer]) expect(run.stderr).toMatch(new RegExp(`ending .*sh \\(${pid}\\)`));
      expect([lives(deaf), lives(writer)]).toEqual([false, false]);
      expect(run.volume('data')).toMatchObject({ added: 1, skipped: null });
      await expectWholeHeads(world);
      await expectNoSessions(world);
    });

    test('keep running with --leave-processes, with a message, and the files so far are saved', async () => {
      using world = openWorld({ user });
      const script = `cd data; echo x > x; ${daemon('stays', `until [ -e ${world.dir}/gate ]; do sleep 0.01; done; echo late > late; echo more >> x; cat x ${world.dir}/data/late > ${world.dir}/seen`)}`;
      const run = await world.run(['sh', '-c', script], { options: [...options, '--leave-processes'] });
      const pid = pidOf(world, 'stays');
      expect(run.code).toBe(0);
      expect(run.stderr).toMatch(
        new RegExp(`the command left .* running, whose later writes are not saved: .*sh \\(${pid}\\)`),
      );
      expect(lives(pid)).toBe(true);
      expect(run.volume('data')).toMatchObject({ added: 1, skipped: null });
      // Other runs do not treat them as their own, and their later writes are lost.
      const other = await world.run(['ls', 'data'], { options });
      expect(other.stdout).toBe('x\n');
      expect(lives(pid)).toBe(true);
      expect(await sessionsIn(world)).toMatchObject([{ run: expect.any(String) }]);
      world.write({ gate: '' });
      await until(() => !lives(pid));
      expect(readFileSync(join(world.dir, 'seen'), 'utf8')).toBe('x\nmore\nlate\n');
      expect((await world.run(['ls', 'data'], { options })).stdout).toBe('x\n');
      await expectWholeHeads(world);
      await expectNoSessions(world);
    });
  });

  test.each(['with mounts', 'without mounts'])(
    '%s: an outer run does not take them for leftovers of an inner run',
    async (way) => {
      using world = openWorld();
      if (way === 'without mounts') {
        world.write({ 'bin/bwrap': '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n' });
        chmodSync(join(world.dir, 'bin/bwrap'), 0o755);
        world.env['PATH'] = `${join(world.dir, 'bin')}:${world.env['PATH'] ?? ''}`;
      }
      const cachelane = inject('cachelaneProgram').join(' ');
      // Enough files to make the removal slow.
      const fill = `mkdir inner/d; for i in $(seq 20000); do : > inner/d/$i; done`;
      const inner = `${cachelane} run -v inner:inner --mounter clone -- sh -c '${fill}' && ${cachelane} rm inner`;
      const script = `echo x > data/x; ${inner} && ls -d ${world.store}/trash/*`;
      const run = await world.run(['sh', '-c', script], { options });
      expect(run.code).toBe(0);
      expect(run.stderr).toContain('inner saved 0 B');
      expect(run.stderr).not.toContain('outlived');
      expect(run.volume('data')).toMatchObject({ added: 1 });
      await until(() => readdirSync(join(world.store, 'trash')).length === 0);
      await expectNoSessions(world);
    },
  );

  test('of a command without volumes are left alone', async () => {
    using world = openWorld();
    const script = `mkdir sub; cd sub; ${daemon('stays', 'until [ -e ../gate ]; do sleep 0.01; done')}`;
    const run = await world.run(['sh', '-c', script], { options: ['--mode=none'] });
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(lives(pidOf(world, 'stays'))).toBe(true);
    world.write({ gate: '' });
    await until(() => !lives(pidOf(world, 'stays')));
  });
});
