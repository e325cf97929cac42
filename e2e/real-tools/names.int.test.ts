import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, type FinishedRun, type World } from '../cli.fixture.ts';
import { npmFiles } from './npm-project.fixture.ts';

// Which projects share a volume.

const emptyPackage = { 'package.json': '{"name":"x","version":"1.0.0"}' };

/** Saves a file of this name in the project's volume `npm`. */
async function leave(world: World, project: string, name: string): Promise<FinishedRun> {
  const run = await world.run(['sh', '-c', 'echo "$1" > ~/.npm/"$1"', 'sh', name], {
    options: ['-v', 'npm'],
    cwd: project,
  });
  expect(run.volume('npm')).toMatchObject({ added: 1, skipped: null });
  return run;
}

/** Returns the files that a run in the project finds in its volume `npm`. */
async function found(world: World, project: string, ...options: readonly string[]): Promise<readonly string[]> {
  const run = await world.run(['ls', '-A', join(world.home, '.npm')], {
    options: ['-v', 'npm', ...options],
    cwd: project,
  });
  expect(run.code).toBe(0);
  return run.stdout.split('\n').filter((name) => name !== '');
}

function replace(world: World, project: string): void {
  rmSync(project, { recursive: true });
  world.project('web', emptyPackage);
}

function clone(world: World, name: string, remote?: string): string {
  const dir = world.project(name, emptyPackage);
  world.gitInit(dir, remote);
  return dir;
}

requireCommands('bwrap', 'git')('sharing a volume', () => {
  test('two projects with two remotes never share', async () => {
    using world = openWorld();
    const web = clone(world, 'web', 'https://github.com/acme/web.git');
    const api = clone(world, 'api', 'https://github.com/acme/api.git');
    await leave(world, web, 'web');
    expect(await found(world, api)).toEqual([]);
    await leave(world, api, 'api');
    expect(await found(world, web)).toEqual(['web']);
    expect(await found(world, api)).toEqual(['api']);
  });

  test('two projects with the same name never share without git or without a remote', async () => {
    using world = openWorld();
    const projects = [
      world.project('one/web', emptyPackage),
      world.project('two/web', emptyPackage),
      clone(world, 'three/web'),
      clone(world, 'four/web'),
    ];
    for (const [index, project] of projects.entries()) {
      expect(await found(world, project)).toEqual([]);
      await leave(world, project, `of-${index}`);
    }
    for (const [index, project] of projects.entries()) expect(await found(world, project)).toEqual([`of-${index}`]);
  });

  test('two clones of one repository share, by https and by ssh, with and without a token', async () => {
    using world = openWorld();
    const clones = [
      'https://github.com/acme/web.git',
      'git@github.com:Acme/Web.git',
      'https://x-access-token:s3cret@github.com/acme/web',
    ].map((remote, index) => clone(world, `clone-${index}`, remote));
    for (const [index, dir] of clones.entries()) await leave(world, dir, `of-${index}`);
    for (const dir of clones) expect(await found(world, dir)).toEqual(['of-0', 'of-1', 'of-2']);
  });

  test('two packages of a monorepo have separate volumes, and both read the root’s', async () => {
    using world = openWorld();
    const root = clone(world, 'mono', 'git@github.com:acme/mono.git');
    const [a = '', b = ''] = ['a', 'b'].map((name) => world.project(`mono/packages/${name}`, emptyPackage));
    await leave(world, root, 'root');
    const { report } = await leave(world, a, 'a');
    expect(report.namespace).toBe('github.com/acme/mono/packages/a');
    await leave(world, b, 'b');
    expect(await found(world, a)).toEqual(['a', 'root']);
    expect(await found(world, join(b, '.'))).toEqual(['b', 'root']);
    expect(await found(world, root)).toEqual(['root']);
  });

  test('a run in a subdirectory of a package belongs to the package', async () => {
    using world = openWorld();
    const web = world.project('web', emptyPackage);
    await leave(world, web, 'web');
    expect(await found(world, world.project('web/src/deep', { 'index.js': '' }))).toEqual(['web']);
  });

  test('-n sets the namespace, whatever the current directory', async () => {
    using world = openWorld();
    const [one, two] = [world.project('one', emptyPackage), clone(world, 'two', 'https://github.com/acme/two')];
    const options = ['-n', 'teams/payments'];
    await world.run(['touch', join(world.home, '.npm/shared')], { cwd: one, options: ['-v', 'npm', ...options] });
    expect(await found(world, two, ...options)).toEqual(['shared']);
    expect(await found(world, one)).toEqual([]);
    expect(await found(world, two)).toEqual([]);
  });
});

requireCommands(
  'bwrap',
  'git',
  'npm',
)('with npm itself', () => {
  test('one project’s downloads are not available offline to another project, but to a second clone', async () => {
    await using registry = await startLocalRegistry([{ name: 'left', version: '1.0.0' }]);
    using world = openWorld({ env: { npm_config_registry: registry.url } });
    const files = await npmFiles(registry, { name: 'app', dependencies: { left: '1.0.0' } });
    const [web, twin, api, plain] = ['web', 'twin', 'api', 'plain'].map((name) => world.project(name, files));
    world.gitInit(web ?? '', 'https://github.com/acme/web.git');
    world.gitInit(twin ?? '', 'ssh://git@github.com/acme/web.git');
    world.gitInit(api ?? '', 'https://github.com/acme/api.git');
    const install = async (cwd = '', ...more: readonly string[]) => await world.run(['npm', 'ci', ...more], { cwd });

    expect(await install(web)).toMatchObject({ code: 0 });
    registry.clearRequests();
    for (const stranger of [api, plain]) {
      const refused = await install(stranger, '--offline');
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toContain('ENOTCACHED');
    }
    expect(await install(twin, '--offline')).toMatchObject({ code: 0 });
    expect(registry.requests).toEqual([]);
  });
});

/** Typical remotes and their namespaces. */
const remotes: readonly (readonly [remote: string, namespace: string])[] = [
  ['https://github.com/acme/web', 'github.com/acme/web'],
  ['git@github.com:Acme/Web.git', 'github.com/acme/web'],
  ['ssh://git@ssh.github.com:443/acme/web.git', 'github.com/acme/web'],
  ['https://ann:s3cret@github.com/acme/web.git', 'github.com/acme/web'],
  ['git@gitlab.com:Group/Sub/Deeper/App.git', 'gitlab.com/group/sub/deeper/app'],
  ['https://GitLab.Example.com/Group/App.git', 'gitlab.example.com/Group/App'],
  ['https://gitlab.example.com:8443/group/app.git', 'gitlab.example.com%3A8443/group/app'],
  ['ssh://git@gitlab.example.com:2222/group/app.git', 'gitlab.example.com%3A2222/group/app'],
  ['https://acme@dev.azure.com/acme/Big%20Shop/_git/web', 'dev.azure.com/acme/Big%20Shop/web'],
  ['git@ssh.dev.azure.com:v3/acme/Shop/web', 'dev.azure.com/acme/Shop/web'],
  ['https://bitbucket.example.com/scm/proj/repo.git', 'bitbucket.example.com/proj/repo'],
  ['ssh://git@bitbucket.example.com:7999/proj/repo.git', 'bitbucket.example.com/proj/repo'],
  ['codecommit::us-east-1://Web', 'git-codecommit.us-east-1.amazonaws.com/Web'],
  ['ssh://ann@gerrit.example.com:29418/tools/x', 'gerrit.example.com/tools/x'],
  ['git@git.sr.ht:~ann/web', 'git.sr.ht/~ann/web'],
  ['ssh://git@[2001:db8::1]:2222/web.git', '%5B2001%3Adb8%3A%3A1%5D%3A2222/web'],
  ['host:web', 'host/web'],
  ['/srv/git/web.git', 'file/srv/git/web'],
  ['file:///srv/git/web', 'file/srv/git/web'],
  ['C:\\src\\web', 'file/c%3A/src/web'],
  ['s3://bucket/web', 's3/bucket/web'],
  ['https://git.example.com/gruppe/überprüfung', 'git.example.com/gruppe/%C3%BCberpr%C3%BCfung'],
  ['git@git.example.com:a b/c&d;$(e).git', 'git.example.com/a%20b/c%26d%3B%24%28e%29'],
  [`https://github.com/acme/${'w'.repeat(100)}`, `github.com/acme/${'w'.repeat(100)}`],
];

requireCommands('bwrap', 'git')('every remote has a namespace', () => {
  test.each(remotes)('%s', async (remote, namespace) => {
    using world = openWorld();
    const project = clone(world, 'project', remote);
    expect(await world.json(['context', '-C', project])).toMatchObject({ namespace, canWrite: true });
    await leave(world, project, 'file');
    // The displayed name is accepted as an argument.
    expect(await world.json(['ls', '-n', namespace])).toMatchObject([{ namespace, volume: 'npm', files: 1 }]);
  });

  test('a password in the remote’s URL is in no output and in no file of the store', async () => {
    using world = openWorld();
    const project = clone(world, 'project', 'https://ann:s3cret@github.com/acme/web.git');
    const run = await leave(world, project, 'file');
    const shown = await world.cachelane(['context', '-C', project, '--json']);
    const explained = await world.cachelane(['explain', '--verbose', '-C', project, 'npm', '--json']);
    for (const { stdout, stderr } of [run, shown, explained]) expect(stdout + stderr).not.toContain('s3cret');
    world.exec(['sh', '-c', '! grep -r s3cret "$1"', 'sh', world.store]);
  });
});

requireCommands('bwrap', 'git')('a name that changes', () => {
  test('a project that gains a remote stays warm, also under its old name', async () => {
    using world = openWorld();
    const project = world.project('web', emptyPackage);
    const { report: before } = await leave(world, project, 'old');
    world.gitInit(project, 'https://github.com/acme/web.git');
    const after = await leave(world, project, 'new');
    expect(after.report.namespace).toBe('github.com/acme/web');
    expect(after.stderr).toContain(before.namespace);
    expect(await found(world, project)).toEqual(['new', 'old']);
    expect(await found(world, project, '-n', before.namespace)).toEqual(['new', 'old']);
    expect(await found(world, clone(world, 'other', 'git@github.com:acme/web.git'))).toEqual(['new', 'old']);
  });

  test('a renamed namespace stays warm by both names, and a dry run renames nothing', async () => {
    using world = openWorld();
    const project = clone(world, 'web', 'https://github.com/acme/web.git');
    await leave(world, project, 'file');
    const rename = ['ns', 'rename', 'github.com/acme/web', 'github.com/beta/web'];
    expect((await world.cachelane([...rename, '--dry-run'])).stdout).toContain('would rename');
    expect(await world.json(['ns', 'ls'])).toMatchObject([{ namespace: 'github.com/acme/web', aliases: [] }]);
    await world.json(rename);
    expect(await found(world, project)).toEqual(['file']);
    const moved = clone(world, 'moved', 'https://github.com/beta/web.git');
    expect(await found(world, moved)).toEqual(['file']);
    expect(await world.json(['ns', 'ls'])).toMatchObject([
      { namespace: 'github.com/beta/web', aliases: ['github.com/acme/web'], volumes: 1 },
    ]);
  });

  test('ns adopt gives a moved repository its old volumes', async () => {
    using world = openWorld();
    const project = clone(world, 'web', 'https://github.com/acme/web.git');
    await leave(world, project, 'file');
    world.exec(['git', '-C', project, 'remote', 'set-url', 'origin', 'https://gitlab.com/acme/web.git']);
    expect(await world.json(['ns', 'adopt', '-C', project, 'github.com/acme/web'])).toMatchObject({
      from: 'github.com/acme/web',
      to: 'gitlab.com/acme/web',
    });
    expect(await found(world, project)).toEqual(['file']);
  });

  describe('a directory that replaces another one at the same path inherits nothing', () => {
    test('a clone of a repository in place of a plain directory', async () => {
      using world = openWorld();
      const project = world.project('web', emptyPackage);
      await leave(world, project, 'old');
      replace(world, project);
      world.gitInit(project, 'https://github.com/acme/web.git');
      expect(await found(world, project)).toEqual([]);
    });

    test('a clone of one repository in place of a clone of another one', async () => {
      using world = openWorld();
      const project = clone(world, 'web', 'https://github.com/acme/web.git');
      await leave(world, project, 'old');
      replace(world, project);
      world.gitInit(project, 'https://github.com/beta/web.git');
      expect(await found(world, project)).toEqual([]);
    });

    test('a directory that is moved away and back keeps its volumes', async () => {
      using world = openWorld();
      const project = world.project('web', emptyPackage);
      await leave(world, project, 'old');
      renameSync(project, `${project}-away`);
      world.project('web', emptyPackage);
      rmSync(project, { recursive: true });
      renameSync(`${project}-away`, project);
      world.gitInit(project, 'https://github.com/acme/web.git');
      expect(await found(world, project)).toEqual(['old']);
    });
  });
});
