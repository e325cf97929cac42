import { requireCommands, startLocalRegistry } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import type { FinishedRun } from '../cli.fixture.ts';
import { savedNothing } from './at-once.fixture.ts';
import { openCiMachines, openDirectoryRemote, type CiLane } from './ci-machines.fixture.ts';
import { npmFiles, somePackages, versionsOf } from './npm-project.fixture.ts';

// Four concurrent jobs on four machines install overlapping packages. Afterwards no machine needs the registry.

const shared = somePackages('shared', 3);
const parts = ['api', 'web', 'e2e', 'lint'].map((name) => ({ name, packages: [...shared, ...somePackages(name, 3)] }));
const push: CiLane = { workflow: 'CI' };

requireCommands(
  'bwrap',
  'git',
  'npm',
)('four jobs on four machines at once', () => {
  test('each installs its own packages, and a fifth machine installs all of them offline', async () => {
    await using registry = await startLocalRegistry(parts.flatMap(({ packages }) => packages));
    await using remote = openDirectoryRemote();
    using machines = openCiMachines({ ...remote.env, npm_config_registry: registry.url });
    // Without URLs in the lockfile npm also needs packuments, so the index and the contents of both kinds must be shared.
    const trees = await Promise.all(
      parts.map(async ({ name, packages }) => {
        const files = await npmFiles(registry, { name, dependencies: versionsOf(packages), addresses: false });
        return Object.entries(files).map(([path, text]) => [`${name}/${path}`, text] as const);
      }),
    );
    const files = Object.fromEntries(trees.flat());
    const options = ['-v', 'npm'];
    const ready = 'echo ready; read line';

    const started = [];
    for (const { name } of parts) {
      const { world, checkout } = machines.open({ files, lane: push });
      const script = `${ready}; cd ${name}; npm ci`;
      const run = world.startRun(['sh', '-ec', script], { cwd: checkout, options, input: null });
      await run.said('ready');
      started.push(run);
    }
    registry.clearRequests();
    for (const { child } of started) child.stdin?.end('go\n');
    const cold: readonly FinishedRun[] = await Promise.all(started.map(async ({ finished }) => await finished));
    for (const run of cold) {
      expect(run).toMatchObject({ code: 0, report: { lane: 't1:ref:main' } });
      expect(run.volume('npm')).toMatchObject({ hits: [], conflicts: [], sync: { pushed: 'sent', pushedLayers: 1 } });
    }
    // Each job fetched the shared package.
    const asked = registry.requests.filter(({ path }) => path.endsWith('/shared-0-1.0.0.tgz'));
    expect(asked).toHaveLength(parts.length);

    registry.clearRequests();
    const installAll = parts.map(({ name }) => `(cd ${name} && npm ci --offline && ls node_modules)`).join(' && ');
    const { world, checkout } = machines.open({ files, lane: push });
    const fifth = await world.run(['sh', '-ec', installAll], { cwd: checkout, options });
    expect(fifth).toMatchObject({ code: 0 });
    for (const { packages } of parts) for (const { name } of packages) expect(fifth.stdout).toContain(`${name}\n`);
    expect(registry.requests).toEqual([]);
    expect(fifth.volume('npm')).toMatchObject({ ...savedNothing, sync: { pulledLayers: 4, pushed: 'none' } });
    expect(fifth.volume('npm').sync?.pulledBytes).toBeGreaterThan(0);
  });
});
