import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry, type LocalRegistry } from '@cachelane/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FinishedRun } from '../cli.fixture.ts';
import { openCiMachines, openDirectoryRemote, type CiLane, type CiMachines } from './ci-machines.fixture.ts';
import { npmFiles, somePackages, versionsOf } from './npm-project.fixture.ts';

// A team that is no path prefix. Its projects name it, on machines that share only a remote.

const leaves = somePackages('leaf', 3);
const team = 'teams/payments';
const web = 'github.com/acme/web';
const push: CiLane = { workflow: 'CI' };
const pull: CiLane = { workflow: 'CI', pullRequest: 12 };
const fromFork: CiLane = { ...pull, fork: true };
const grant = ['grant', '--all', '-n', team, '--to', web];

let registry: LocalRegistry;
beforeAll(async () => {
  registry = await startLocalRegistry(leaves);
});
afterAll(async () => registry[Symbol.asyncDispose]());
beforeEach(() => registry.clearRequests());

const warningsOf = ({ stderr }: FinishedRun): readonly string[] =>
  stderr.split('\n').filter((line) => line.startsWith('::warning'));

requireCommands(
  'bwrap',
  'git',
  'npm',
)('a named parent in CI', () => {
  let remote: ReturnType<typeof openDirectoryRemote>;
  let machines: CiMachines;
  beforeAll(async () => {
    remote = openDirectoryRemote();
    machines = openCiMachines({ ...remote.env, npm_config_registry: registry.url });
    // A job of the team fills its volume and grants it, on a machine that is then gone.
    const { world, checkout } = await machine(push);
    const filled = await world.run(['npm', 'ci'], { cwd: checkout, options: ['-n', team] });
    expect(filled.volume('npm').sync).toMatchObject({ pushed: 'sent' });
    expect(await world.cachelane(grant)).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    machines[Symbol.dispose]();
    await remote[Symbol.asyncDispose]();
  });

  type Machine = ReturnType<CiMachines['open']>;

  /** Returns a checkout of github.com/acme/web whose file names the team. */
  async function machine(lane: CiLane, env: Readonly<Record<string, string>> = {}): Promise<Machine> {
    const files = await npmFiles(registry, { name: 'web', dependencies: versionsOf(leaves) });
    const opened = machines.open({ files: { ...files, 'cachelane.yaml': `parents: [${team}]\n` }, lane });
    Object.assign(opened.world.env, env);
    registry.clearRequests();
    return opened;
  }

  async function install({ world, checkout }: Machine, ...args: readonly string[]): Promise<FinishedRun> {
    rmSync(join(world.dir, 'projects/web/node_modules'), { recursive: true, force: true });
    return await world.run(['npm', 'ci', ...args], { cwd: checkout });
  }

  test('the job’s environment can choose it: it installs offline from the team’s cache', async () => {
    const job = await machine(pull, { CACHELANE_PARENTS: team });
    const run = await install(job, '--offline');
    expect(run).toMatchObject({ code: 0 });
    expect(registry.requests).toEqual([]);
    expect(run.volume('npm').hits).toMatchObject([{ namespace: team, lane: 't1:ref:main' }]);
    expect(warningsOf(run)).toEqual([]);
    const context = await job.world.json(['context'], { cwd: job.checkout });
    expect(context).toMatchObject({ readChain: [{}, { namespace: web }, { namespace: team, lane: 't1:ref:main' }] });
  });

  test('its file alone, or a grant on another machine, does not: the job has its own cache, and a warning says what to do', async () => {
    const job = await machine(pull);
    const first = await install(job);
    expect(first).toMatchObject({ code: 0 });
    expect(first.volume('npm')).toMatchObject({ hits: [], layer: expect.any(String) as string, skipped: null });
    const line = `cachelane.yaml:1 names ${team} as a parent, and ${web} has no grant for it; it is skipped: set CACHELANE_PARENTS=${team} in the CI configuration, or run cachelane ${grant.join(' ')}`;
    expect(warningsOf(first)).toEqual([expect.stringContaining(line)]);
    const again = await install(job, '--offline');
    expect(again.volume('npm').hits).toMatchObject([{ namespace: web, lane: 't1:pr:12' }]);
  });

  test('a grant on the job’s machine allows it, for the granted purpose', async () => {
    const job = await machine({ workflow: 'CI', pullRequest: 13 });
    expect(await job.world.cachelane(grant)).toMatchObject({ code: 0 });
    const run = await install(job, '--offline');
    expect(run).toMatchObject({ code: 0 });
    expect(run.volume('npm').hits).toMatchObject([{ namespace: team }]);
    expect(warningsOf(run)).toEqual([]);
  });

  describe('a pull request from a fork', () => {
    test.each([
      ['its file', {}],
      ['what its workflow sets', { CACHELANE_PARENTS: team }],
    ])('gains nothing by %s', async (_, env) => {
      const job = await machine(fromFork, env);
      expect(await job.world.cachelane(grant)).toMatchObject({ code: 2 });
      const run = await install(job, '--offline');
      expect(run.code).not.toBe(0);
      expect(run.report).toMatchObject({ trust: 'T0', namespace: web });
      expect(run.volume('npm')).toMatchObject({ hits: [], layer: null });
      expect(warningsOf(run)).toHaveLength(1);
    });

    test('gains nothing by a grant to its project on a machine that all jobs share', async () => {
      const job = await machine(fromFork);
      const vouched = { GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main', GITHUB_EVENT_PATH: undefined };
      expect(await job.world.cachelane(grant, { env: vouched })).toMatchObject({ code: 0 });
      const run = await install(job, '--offline');
      expect(run.code).not.toBe(0);
      expect(run.volume('npm').hits).toEqual([]);
    });
  });
});
