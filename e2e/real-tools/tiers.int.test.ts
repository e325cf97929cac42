import { join } from 'node:path';
import { existsSync, rmSync } from 'node:fs';
import { newId, parseGrantee, parseNamespace, type Clock } from '@cachelane/core';
import { openSqliteMetadata } from '@cachelane/store';
import { requireCommands, startLocalRegistry, type LocalRegistry } from '@cachelane/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openWorld, type FinishedRun, type World } from '../cli.fixture.ts';
import { npmFiles, somePackages, versionsOf } from './npm-project.fixture.ts';

// npm in an organisation: a project starts warm from its tiers. Its additions stay its own until a rule feeds them to a tier.

const leaves = somePackages('leaf', 3);
const own = { name: 'own', version: '1.0.0' };
const acme = 'github.com/acme';
const team = 'teams/payments';

let registry: LocalRegistry;
beforeAll(async () => {
  registry = await startLocalRegistry([...leaves, own]);
});
afterAll(async () => registry[Symbol.asyncDispose]());
beforeEach(() => registry.clearRequests());

const random = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async () => await Promise.reject(new Error('unexpected sleep')),
};

/** Sets a tier's feed rule. */
async function feed(world: World, tier: string, from: string): Promise<void> {
  const { signal } = new AbortController();
  await using metadata = await openSqliteMetadata({ file: join(world.store, 'state.db'), random, clock }, signal);
  const freshId = newId('namespace', random.bytes(16));
  const path = parseNamespace(tier);
  const { namespace } = await metadata.createNamespace({ path, freshId, atMs: Date.now() }, signal);
  const rule = { tierId: namespace.id, from: parseGrantee(from, 'test'), volume: null, lanes: 'default' } as const;
  await metadata.putFeed({ ...rule, atMs: Date.now(), by: 'ann' }, signal);
}

interface Project {
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
  /** The parents in its file. Default: the path prefixes. */
  readonly parents?: readonly string[];
}

/** Creates a checkout of `github.com/acme/NAME`. */
async function checkout(world: World, { name, dependencies, parents }: Project): Promise<string> {
  const files = await npmFiles(registry, { name, dependencies });
  const named = parents === undefined ? {} : { 'cachelane.yaml': `parents: [${parents.join(', ')}]\n` };
  const isNew = !existsSync(join(world.dir, 'projects', name));
  const project = world.project(name, { ...files, ...named });
  if (isNew) world.gitInit(project, `https://github.com/acme/${name}.git`);
  return project;
}

async function install(world: World, project: string, ...args: readonly string[]): Promise<FinishedRun> {
  rmSync(join(project, 'node_modules'), { recursive: true, force: true });
  registry.clearRequests();
  return await world.run(['npm', 'ci', ...args], { cwd: project });
}

interface Explained {
  readonly tiers: readonly Readonly<Record<string, unknown>>[];
}

requireCommands('bwrap', 'npm')('npm under tiers', () => {
  describe.each([
    { kind: 'a path prefix', tier: acme, parents: undefined },
    { kind: 'a named parent', tier: team, parents: [team, acme] },
  ])('that is $kind', ({ tier, parents }) => {
    let world: World;
    const named = parents === undefined ? {} : { parents };
    beforeAll(async () => {
      world = openWorld({ env: { npm_config_registry: registry.url } });
      const warm = await checkout(world, { name: 'warm', dependencies: versionsOf(leaves) });
      expect((await world.run(['npm', 'ci'], { cwd: warm, options: ['-n', tier] })).code).toBe(0);
    });
    afterAll(() => world[Symbol.dispose]());

    test('an empty project installs offline from it', async () => {
      const web = await checkout(world, { name: 'web', dependencies: versionsOf(leaves), ...named });
      const run = await install(world, web, '--offline');
      expect(run).toMatchObject({ code: 0 });
      expect(registry.requests).toEqual([]);
      expect(existsSync(join(web, 'node_modules/leaf-2/package.json'))).toBe(true);
      expect(run.volume('npm')).toMatchObject({ hits: [{ namespace: tier }], layer: null, fed: [] });
    });

    test('a project’s additions are its own until a rule feeds them; then others have them offline', async () => {
      const more = { ...versionsOf(leaves), own: '1.0.0' };
      const web = await checkout(world, { name: 'web', dependencies: more, ...named });
      const api = await checkout(world, { name: 'api', dependencies: more, ...named });
      expect((await install(world, web, '--prefer-offline')).volume('npm').added).toBeGreaterThan(0);
      expect((await install(world, api, '--offline')).code).not.toBe(0);
      expect(await world.json(['log', '-n', tier, 'npm'])).toHaveLength(1);

      await feed(world, tier, `${acme}/web`);
      const explained = (await world.json(['explain', '--verbose', '-C', web, 'npm'])) as Explained;
      expect(explained.tiers[0]).toMatchObject({
        namespace: tier,
        isRead: true,
        isFed: true,
        feeding: `its rule is for what ${acme}/web saves in the default branch`,
      });
      const fed = await install(world, web, '--prefer-offline');
      expect(fed.volume('npm').fed).toMatchObject([{ namespace: tier, lane: 't1:local' }]);
      expect(fed.stderr).toContain(`fed to ${tier}`);
      const third = await install(world, api, '--offline');
      expect(third).toMatchObject({ code: 0 });
      expect(registry.requests).toEqual([]);
      expect((await world.cachelane(['verify'])).code).toBe(0);
      const unfed = (await world.json(['explain', '--verbose', '-C', api, 'npm'])) as Explained;
      expect(unfed.tiers[0]).toMatchObject({ namespace: tier, isFed: false, feeding: 'it is for other projects' });
    });
  });

  test('a user’s personal tier warms a new project, if the user asks for it', async () => {
    using world = openWorld({ env: { npm_config_registry: registry.url, CACHELANE_PERSONAL_TIER: '1' } });
    const dependencies = versionsOf(leaves);
    const [one, other] = [
      await checkout(world, { name: 'one', dependencies }),
      await checkout(world, { name: 'other', dependencies }),
    ];
    expect((await install(world, one)).volume('npm').fed).toMatchObject([{ namespace: '~' }]);
    delete world.env['CACHELANE_PERSONAL_TIER'];
    expect((await install(world, other, '--offline')).code).not.toBe(0);
    world.write({ 'home/.config/cachelane/config.yaml': 'personal-tier: true\n' });
    const warm = await install(world, other, '--offline');
    expect(warm).toMatchObject({ code: 0 });
    expect(warm.volume('npm').hits).toMatchObject([{ namespace: '~' }]);
    const shown = (await world.json(['context', '-C', other])) as { readonly inputs: readonly object[] };
    expect(shown.inputs).toContainEqual({
      name: 'personal tier',
      value: 'on',
      source: `${join(world.home, '.config/cachelane/config.yaml')}:1`,
    });
  });
});
