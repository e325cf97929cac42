import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, worldUsers, type FinishedRun, type World } from '../cli.fixture.ts';
import { compiled, goModule, goProject, seedGoBuild } from './go-project.fixture.ts';

// Go's build cache with a size budget. Every build uses the standard library, which is the oldest part.

const megabyte = 1_000_000;
const dataBytes = 2 * megabyte;
const room = 6 * megabyte;

interface Listed {
  readonly volume: string;
  readonly sizeBytes: number;
}

async function sizeOf(world: World): Promise<number> {
  const heads = (await world.json(['ls'])) as readonly Listed[];
  return heads.find(({ volume }) => volume === 'go-build')?.sizeBytes ?? expect.fail('there is no such volume');
}

/** Returns a program whose large package `lib` differs for each number. */
function program(number: number): Readonly<Record<string, string>> {
  const noise = Buffer.alloc(dataBytes / 2, `build ${number} of many `).toString('hex');
  return {
    ...goModule('app', ['lib']),
    'lib/data.go': `package lib\n\nvar Data = "${number}${noise}"\n`,
    'main.go':
      'package main\n\nimport (\n\t"fmt"\n\n\t"example.com/app/lib"\n)\n\nfunc main() { fmt.Println(lib.Name(), len(lib.Data)) }\n',
  };
}

interface Builder {
  readonly project: string;
  readonly budget: number;
  readonly build: (number: number) => Promise<FinishedRun>;
}

async function builderIn(world: World): Promise<Builder> {
  const project = goProject(world, 'app', program(0));
  await seedGoBuild(world, project);
  const budget = Math.round((await sizeOf(world)) + room);
  const set = await world.cachelane(['ns', 'policy', `volume-budget:go-build=${budget}B`], { cwd: project });
  expect(set).toMatchObject({ code: 0 });
  return {
    project,
    budget,
    build: async (number) => {
      goProject(world, 'app', program(number));
      // Every mounter must use Go's default path.
      const script = '[ -z "${GOCACHE-}" ]; go build -x -o "$TMPDIR/app" . && "$TMPDIR/app"';
      const run = await world.run(['sh', '-ec', script], {
        options: ['-v', 'go-build'],
        cwd: project,
      });
      expect(run, run.stderr.slice(-2000)).toMatchObject({ code: 0, stdout: expect.stringContaining('lib') as string });
      return run;
    },
  };
}

/** Runs `builds` of them. Each is warm except for the change, and the size stays near the budget. */
async function staysWarm(world: World, builds: number): Promise<readonly FinishedRun[]> {
  const { budget, build } = await builderIn(world);
  const runs: FinishedRun[] = [];
  for (let number = 1; number <= builds; number++) {
    const run = await build(number);
    expect(compiled(run.stderr), `build ${number}`).toEqual(['example.com/app/lib', 'main']);
    expect(await sizeOf(world), `after build ${number}`).toBeLessThanOrEqual(budget + room);
    runs.push(run);
  }
  const shrunk = runs.filter((run) => run.volume('go-build').shrunk !== null);
  expect(shrunk.length).toBeGreaterThan(1);
  // One run has its own directory to look at; the others are mounted as usual.
  expect(new Set(runs.map((run) => run.volume('go-build').mounter))).toEqual(new Set(['overlay', 'clone']));
  return runs;
}

requireCommands(
  'bwrap',
  'flock',
  'go',
)('a build cache of Go with a tight budget', () => {
  test('keeps the standard library while builds change, and reports evictions', async () => {
    using world = openWorld();
    const runs = await staysWarm(world, 8);
    const shrunk = runs.flatMap((run) => run.volume('go-build').shrunk ?? []);
    const project = `${world.dir}/projects/app`;
    const log = (await world.json(['log', 'go-build'], { cwd: project })) as readonly {
      readonly purpose: string;
      readonly removed: number;
      readonly bytes: number;
    }[];
    expect(log.filter(({ purpose }) => purpose === 'collection').map(({ removed, bytes }) => [removed, bytes])).toEqual(
      shrunk.toReversed().map(({ files, sizeBytes }) => [files, sizeBytes]),
    );
    const explained = (await world.json(['explain', '--verbose', 'go-build'], { cwd: project })) as {
      readonly budget: unknown;
    };
    expect(explained.budget).toMatchObject({
      lookedAt: expect.any(String) as string,
      evicted: { files: expect.any(Number) as number },
    });
    const usage = (await world.json(['du', 'go-build'], { cwd: project })) as { readonly heads: readonly unknown[] };
    expect(usage.heads).toMatchObject([{ volume: 'go-build', budgetBytes: expect.any(Number) as number }]);
    // With a smaller budget, a collection does what its dry run says, and the standard library stays.
    const smaller = Math.round((await sizeOf(world)) - megabyte);
    await world.cachelane(['ns', 'policy', `volume-budget:go-build=${smaller}B`], { cwd: project });
    const planned = (await world.json(['gc', '--dry-run'])) as { readonly growth: readonly unknown[] };
    expect(planned.growth).toMatchObject([{ volume: 'go-build', policy: 'volume-budget', budgetBytes: smaller }]);
    const done = (await world.json(['gc'])) as { readonly growth: readonly unknown[] };
    expect(done.growth).toEqual(planned.growth);
    const again = await world.run(['go', 'build', '-x', '-o', '/dev/null', '.'], {
      options: ['-v', 'go-build', '--mode', 'read'],
      cwd: project,
    });
    expect(compiled(again.stderr).filter((path) => !/^example|^main$/.test(path))).toEqual([]);
  });
});

requireCommands(
  'bwrap',
  'flock',
  'go',
  'mount',
)('without access times', () => {
  test.skipIf(!worldUsers.includes('root'))('Go itself records the files it uses', async () => {
    using world = openWorld();
    mkdirSync(world.store);
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'noatime', 'none', world.store]).status).toBe(0);
    try {
      await staysWarm(world, 8);
    } finally {
      spawnSync('umount', ['-l', world.store]);
    }
  });
});
