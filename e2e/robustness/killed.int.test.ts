import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { processRuntime } from '@cachelane/runtimes';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { seededNumbers } from '../seeded.fixture.ts';
import {
  ageLayers,
  ageLeases,
  expectNoSessions,
  expectWholeHeads,
  headsIn,
  sessionsIn,
  until,
} from './store.fixture.ts';

const options = ['-v', 'data:deep/er/data'];

/** Writes two files that belong together, the second one after the gate is open. */
function pairScript(name: string, gate: string): string {
  return `cd deep/er/data; mkdir ${name}; echo ${name} > ${name}/a; echo ready
    until [ -e ${gate} ]; do sleep 0.01; done; echo ${name} > ${name}/b; echo ending`;
}

interface Killed {
  readonly name: string;
  readonly phase: 'start' | 'command' | 'save';
  /** False if the run ended before the kill. */
  readonly wasKilled: boolean;
}

/** The time that an undisturbed run needs to reach its command, and from there to its end. */
interface Pace {
  readonly startMs: number;
  saveMs: number;
}

async function measure(world: World): Promise<Pace> {
  const begunMs = performance.now();
  const run = world.startRun(['sh', '-c', pairScript('undisturbed', '/')], { options });
  await run.said('ready');
  const readyMs = performance.now();
  await run.said('ending');
  const endingMs = performance.now();
  expect((await run.finished).code).toBe(0);
  return { startMs: readyMs - begunMs, saveMs: performance.now() - endingMs };
}

async function runAndKill(world: World, pace: Pace, kill: Omit<Killed, 'wasKilled'>, at: number): Promise<Killed> {
  const { name, phase } = kill;
  const gate = join(world.dir, `gate-${name}`);
  // A late kill meets the command at the gate, never a save.
  if (phase === 'save') writeFileSync(gate, '');
  const run = world.start(['run', ...options, '--', 'sh', '-euc', pairScript(name, gate)]);
  if (phase === 'start') await wait(at * pace.startMs);
  if (phase === 'command') await run.said('ready');
  if (phase === 'save') {
    await run.said('ending');
    await wait(at * pace.saveMs);
  }
  run.child.kill('SIGKILL');
  writeFileSync(gate, '');
  // The command has our pipes, so this waits for its end, too.
  const { code, signal } = await run.finished;
  expect([code, signal]).toEqual(signal === null ? [0, null] : [null, 'SIGKILL']);
  return { ...kill, wasKilled: signal !== null };
}

requireCommands('bwrap', 'flock')('a run that is killed', () => {
  test('at any moment, with concurrent runs, loses nothing that was saved and leaves nothing behind', async () => {
    using world = openWorld({ user: 'ordinary user' });
    const pace = await measure(world);
    const least = pace.saveMs / 4;
    const phases = ['start', 'command', 'save'] as const;
    const worker = async (number: number): Promise<readonly Killed[]> => {
      const random = seededNumbers(number);
      const ends: Killed[] = [];
      for (let round = 0; ends.filter(({ wasKilled }) => wasKilled).length < 7 && round < 20; round++) {
        const phase = phases[round % phases.length] ?? 'start';
        const end = await runAndKill(world, pace, { name: `w${number}-${round}`, phase }, random());
        ends.push(end);
        // The measured duration was too long, because the machine was busy.
        if (!end.wasKilled) pace.saveMs = Math.max(pace.saveMs * 0.7, least);
      }
      return ends;
    };
    const ends = (await Promise.all([1, 2, 3].map(worker))).flat();
    for (const phase of phases) {
      expect(ends.filter((end) => end.wasKilled && end.phase === phase).length).toBeGreaterThan(0);
    }
    expect(ends.filter(({ wasKilled }) => wasKilled).length).toBeGreaterThanOrEqual(20);

    await expectWholeHeads(world);
    const script = 'cd deep/er/data; for d in *; do echo $d $(cat $d/a) $(cat $d/b); done';
    const next = await world.run(['sh', '-c', script], { options: [...options, '--strict'] });
    expect(next).toMatchObject({ code: 0, signal: null });
    const found = next.stdout.split('\n').filter((line) => line !== '');
    const names = found.map((line) => line.split(' ', 1)[0] ?? '');
    expect(found).toEqual(names.map((name) => `${name} ${name} ${name}`));
    for (const { name, wasKilled, phase } of ends) {
      if (!wasKilled) expect(names).toContain(name);
      if (wasKilled && phase !== 'save') expect(names).not.toContain(name);
    }
    expect(names).toContain('undisturbed');

    expect(await sessionsIn(world)).toEqual([]);
    ageLeases(world);
    await world.json(['gc']);
    await expectNoSessions(world);
    expect(existsSync(join(world.dir, 'deep'))).toBe(false);
    const [head] = await headsIn(world);
    expect(head?.generation).toBe(names.length);
  });

  describe.each(worldUsers)('as %s', (user) => {
    test('while its command continues: the command keeps its files, and none of its work is saved', async () => {
      using world = openWorld({ user });
      const at = { options: ['-v', 'data:data'] };
      await world.run(['sh', '-c', 'mkdir data/d; echo old > data/d/old; echo two > data/two'], at);
      const gate = join(world.dir, 'gate');
      const script = `echo before > data/before; echo ready; until [ -e ${gate} ]; do sleep 0.01; done
        { cat data/d/old data/two data/before; echo more > data/d/more && cat data/d/more; } > seen 2>&1; echo end`;
      const run = world.start(['run', ...at.options, '--', 'sh', '-c', script]);
      await run.said('ready');
      await until(async () => (await sessionsIn(world)).some(({ place }) => place !== null));
      const [session] = await sessionsIn(world);
      const place = { token: session?.place ?? '' };
      const runtime = processRuntime({ path: world.env['PATH'] ?? '' });
      run.child.kill('SIGKILL');
      await until(() => run.child.signalCode !== null);

      // Other runs start, repair, remove its layers' heads, and collect without a grace period.
      await world.run(['true'], at);
      expect((await world.cachelane(['rm', 'data', '--all-lanes'])).code).toBe(0);
      ageLayers(world);
      await world.json(['gc']);
      await world.run(['true'], at);
      expect((await sessionsIn(world)).map(({ id }) => id)).toEqual([session?.id]);
      expect((await runtime.survivors(place)).map(({ name }) => name)).toContain('sh');
      expect(existsSync(join(world.dir, 'data'))).toBe(true);

      writeFileSync(gate, '');
      expect((await run.finished).stdout).toBe('ready\nend\n');
      expect(readFileSync(join(world.dir, 'seen'), 'utf8')).toBe('old\ntwo\nbefore\nmore\n');
      expect(await runtime.survivors(place)).toEqual([]);

      const next = await world.run(['sh', '-c', 'ls data'], at);
      expect(next).toMatchObject({ code: 0, stdout: '' });
      await expectNoSessions(world);
      expect(existsSync(join(world.dir, 'data'))).toBe(false);
      await world.json(['gc']);
      expect(readdirSync(join(world.store, 'layers'))).toEqual([]);
    });
  });
});
