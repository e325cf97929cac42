import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type FinishedRun, type World } from './cli.fixture.ts';

// Short heads, the origins of files, and the removal of a run from everything. The bundle, with real files and mounts.

const origin = 'https://github.com/acme/web.git';
const volume = ['-v', 'npm:/var/tmp/cachelane-e2e-provenance'];
const cache = '/var/tmp/cachelane-e2e-provenance';

interface Machine extends Disposable {
  readonly world: World;
  readonly project: string;
  /** Saves a file of this name in the volume. */
  save(name: string): Promise<FinishedRun>;
  /** Returns the names of the files that a run sees. */
  look(): Promise<readonly string[]>;
}

function openMachine(user: (typeof worldUsers)[number], env: Readonly<Record<string, string>> = {}): Machine {
  const world = openWorld({ user, env: { ...env, USER: 'ann' } });
  const project = world.project('web');
  world.gitInit(project, origin);
  const run = async (command: string): Promise<FinishedRun> => {
    const finished = await world.run(['sh', '-c', command], { cwd: project, options: volume });
    expect([finished.code, finished.stderr]).toEqual([0, expect.not.stringContaining('warning')]);
    return finished;
  };
  return {
    world,
    project,
    save: async (name) =>
      await run(`mkdir -p ${cache}/_cacache/tmp-${name} && echo 'bytes of ${name}' > ${cache}/${name}.txt`),
    look: async () => {
      const { stdout } = await run(`ls ${cache}`);
      return stdout.split('\n').flatMap((line) => (line.endsWith('.txt') ? [line.slice(0, -'.txt'.length)] : []));
    },
    [Symbol.dispose]: () => world[Symbol.dispose](),
  };
}

interface Head {
  readonly layers: number;
  readonly generation: number;
}

async function headOf({ world, project }: Machine): Promise<Head> {
  const [head] = (await world.json(['ls', '-C', project])) as readonly Head[];
  return head ?? expect.fail('there is no head');
}

/** Returns the runs that saved something, oldest first. */
async function runsOf({ world, project }: Machine): Promise<readonly string[]> {
  const moves = (await world.json(['log', '-C', project, 'npm'])) as readonly { run: string; layer: string | null }[];
  return moves.flatMap(({ run, layer }) => (layer === null ? [] : [run])).toReversed();
}

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `n${index}`);

function sharedDir(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'cachelane-e2e-shared-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

requireCommands('bwrap')('a lane', () => {
  test.each(worldUsers)(
    'stays short, can be rolled back to before its squashes, and stays complete, as %s',
    async (user) => {
      using machine = openMachine(user);
      const { world, project } = machine;
      for (const name of names(9)) await machine.save(name);
      expect(await headOf(machine)).toMatchObject({ generation: 9 });
      expect((await headOf(machine)).layers).toBeLessThan(6);
      expect(await machine.look()).toEqual(names(9));
      await world.cachelane(['rollback', '-C', project, '--to', '3', 'npm']);
      expect(await machine.look()).toEqual(names(3));
      await world.cachelane(['rollback', '-C', project, '--to', '9', 'npm']);
      expect(await machine.look()).toEqual(names(9));
      expect((await world.cachelane(['verify'])).code).toBe(0);
      // Layers that squashes replaced are kept.
      expect((await world.json(['gc', '--dry-run'])) as { layers: unknown }).toMatchObject({ layers: [] });
    },
  );

  test('is squashed with links to the replaced files, not copies', async () => {
    using machine = openMachine(worldUsers[0] ?? 'ordinary user');
    for (const name of names(4)) await machine.save(name);
    const layers = join(machine.world.dir, 'store', 'layers');
    expect(readdirSync(layers)).toHaveLength(5);
    const { stdout } = machine.world.exec(['find', layers, '-name', '*.txt', '-links', '1']);
    expect(stdout).toBe('');
  });
});

requireCommands('bwrap')('a run', () => {
  test.each(worldUsers)('is found by its files and removed from a squash, as %s', async (user) => {
    using machine = openMachine(user);
    const { world, project } = machine;
    for (const name of names(6)) await machine.save(name);
    const runs = await runsOf(machine);
    const [, evil] = runs;
    const blamed = await world.json(['blame', '-C', project, 'npm', 'n1.txt']);
    expect(blamed).toMatchObject([{ state: 'seen', path: 'n1.txt', runs: [{ run: evil }] }]);
    const traced = await world.json(['trace', evil ?? '']);
    expect(traced).toMatchObject({ run: evil, readers: runs.slice(2).map((run) => ({ run })) });
    await world.cachelane(['revoke', '-C', project, '--run', evil ?? '', '--dry-run']);
    expect(await machine.look()).toEqual(names(6));
    const revoked = await world.cachelane(['revoke', '-C', project, '--run', evil ?? '']);
    expect([revoked.code, revoked.stderr]).toEqual([0, '']);
    expect(await machine.look()).toEqual(['n0', 'n2', 'n3', 'n4', 'n5']);
    await world.cachelane(['rollback', '-C', project, '--to', '3', 'npm']);
    expect(await machine.look()).toEqual(['n0', 'n2']);
    expect(await world.json(['log', '-C', project, 'npm'])).toContainEqual(
      expect.objectContaining({ run: evil, revoked: expect.objectContaining({ by: 'ann' }) }),
    );
  });

  test('is removed from a remote and from every machine that shares it, by a machine that has none of its files', async () => {
    using shared = sharedDir();
    const env = { CACHELANE_REMOTE: `dir:${shared.path}`, CACHELANE_PUSH: 'wait' };
    using ann = openMachine('root', env);
    using ben = openMachine('root', env);
    using cy = openMachine('root', env);
    for (const name of names(5)) await ann.save(name);
    expect(await ben.look()).toEqual(names(5));
    // Ben builds the squash from layers that he has. Only new layers are pulled.
    await ann.save('n5');
    await ann.save('n6');
    expect(await ben.look()).toEqual(names(7));
    expect(await headOf(ben)).toMatchObject({ layers: (await headOf(ann)).layers });
    const [, , evil] = await runsOf(ann);
    const revoked = await cy.world.cachelane(['revoke', '-C', cy.project, '--run', evil ?? '', '--json']);
    expect(JSON.parse(revoked.stdout)).toMatchObject({ heads: [], inRemote: [{ volume: 'npm' }] });
    const left = names(7).filter((name) => name !== 'n2');
    for (const machine of [ben, ann, cy]) expect(await machine.look()).toEqual(left);
    const verified = await ann.world.cachelane(['verify', 'remote']);
    expect([verified.code, verified.stderr]).toEqual([0, '']);
  });
});

describe('an argument that names no run', () => {
  test('is an error, and nothing changes', async () => {
    using world = openWorld();
    for (const argv of [['trace', 'npm'], ['revoke'], ['revoke', '--run', `run_${'f'.repeat(32)}`]]) {
      const finished = await world.cachelane(argv);
      expect(finished.code).not.toBe(0);
      expect(finished.stderr).toMatch(/^cachelane: /);
    }
  });
});
