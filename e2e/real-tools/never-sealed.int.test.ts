import { join } from 'node:path';
import { requireCommands, startLocalRegistry } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { npmProject } from './npm-project.fixture.ts';

// Files that no layer contains, in any volume.

const secret = 's3cret-of-the-test';

/** Creates credentials at their usual paths in a home directory, locks, special files, and files with setuid and setgid bits. */
const plant = `
for file in .npmrc .netrc .git-credentials .ssh/id_ed25519 .aws/credentials .docker/config.json .vault-token; do
  mkdir -p "$(dirname "$file")"; echo ${secret} > "$file"
done
: > lock; : > some.lock; echo "not empty" > yarn.lock
mkfifo fifo
node -e 'require("node:net").createServer().listen("socket", () => process.kill(process.pid, "SIGKILL"))' || [ -S socket ]
echo run > tool; chmod 6755 tool; mkdir shared; chmod 3777 shared; echo x > shared/file
`;

interface Volume {
  readonly name: string;
  /** The argument of `-v`. */
  readonly argument: string;
  /** Its path below the world's directory. */
  readonly path: string;
  /** More files to plant in the volume's root. */
  readonly more: string;
  /** What the next run finds of all that, with empty directories. */
  readonly kept: readonly string[];
}

/** Contents that only look like credentials or locks. Setuid and setgid bits are removed. */
const ordinary = ['d 1777 shared', 'f 644 shared/file', 'f 644 yarn.lock', 'f 755 tool'];

const volumes: readonly Volume[] = [
  {
    name: 'data',
    argument: 'data:cache',
    path: 'cache',
    more: 'mkdir sub; echo 1 > sub/.npmrc; echo 1 > credentials.js',
    kept: [...ordinary, 'd 755 sub', 'f 644 credentials.js', 'f 644 sub/.npmrc'],
  },
  {
    name: 'npm',
    argument: 'npm',
    path: 'home/.npm',
    more: 'for name in _logs _npx _locks _cacache/tmp _cacache/index-v5; do mkdir -p $name; echo x > $name/file; done',
    kept: [...ordinary, 'd 755 _cacache', 'd 755 _cacache/index-v5', 'f 644 _cacache/index-v5/file'],
  },
  {
    name: 'go-build',
    argument: 'go-build',
    path: 'home/.cache/go-build',
    more: 'echo x > README; mkdir aa; mkfifo aa/fifo',
    kept: ordinary,
  },
  {
    name: 'go-mod',
    argument: 'go-mod',
    path: 'home/go/pkg/mod',
    more: `mkdir -p cache/download/example.com/one/@v cache/vcs; cd cache/download/example.com/one/@v
      : > v1.0.0.lock; echo x > v1.0.0.zip123.tmp; echo x > list.lock; mkfifo fifo; echo v1.0.0 > v1.0.0.mod; chmod 6644 v1.0.0.mod
      : > ../../../../lock`,
    kept: [
      'd 755 cache',
      'd 755 cache/download',
      'd 755 cache/download/example.com',
      'd 755 cache/download/example.com/one',
      'd 755 cache/download/example.com/one/@v',
      'f 644 cache/download/example.com/one/@v/v1.0.0.mod',
    ],
  },
];

function expectCleanStore(world: World): void {
  // The excluded files are deleted in the background.
  const gone = 'until [ -z "$(ls -A "$1/trash" 2>/dev/null)" ]; do sleep 0.02; done';
  world.exec(['sh', '-c', gone, 'sh', world.store]);
  const special = world.exec(['find', world.store, '-type', 's,p,b,c', '-print', '-o', '-perm', '/6000', '-print']);
  expect(special.stdout).toBe('');
  world.exec(['sh', '-c', '! grep -r -e "$1" "$2"', 'sh', secret, world.store]);
}

requireCommands('bwrap', 'node')('planted files are not sealed', () => {
  describe.each(worldUsers)('as %s', (user) => {
    test.each(volumes)('in the volume $name', async ({ name, argument, path, more, kept }) => {
      using world = openWorld({ user });
      const dir = join(world.dir, path);
      const options = ['-v', argument];
      const run = await world.run(['sh', '-ec', `cd "$1"; ${plant}\n${more}`, 'sh', dir], { options });
      expect(run.stderr).not.toContain('warning');
      expect(run).toMatchObject({ code: 0 });
      expect(run.volume(name)).toMatchObject({ skipped: null, mounter: 'overlay' });

      const isEmptyDirectory = ['(', '-type', 'd', '-empty', ')'];
      const look = ['find', dir, '-mindepth', '1', '-not', ...isEmptyDirectory, '-printf', '%y %m %P\n'];
      const next = await world.run(look, { options });
      expect(next.stdout.split('\n').slice(0, -1).toSorted()).toEqual(kept.toSorted());
      expectCleanStore(world);
    });
  });

  test.each([
    ['.docker', 'config.json'],
    ['.gradle', 'gradle.properties'],
    ['.cache', 'huggingface/token'],
    ['.cache/huggingface', 'token'],
    ['.local/share', 'keyrings/login.keyring'],
    ['.nuget', 'NuGet/NuGet.Config'],
    ['.bundle', 'config'],
  ])('a volume at ~/%s has none of %s', async (dir, file) => {
    using world = openWorld();
    // Outside any tool's path, under another tool's name, and with contents that reveal nothing.
    for (const name of ['data', 'npm']) {
      const plain = `mkdir -p "$(dirname "$1")"; echo ${secret} > "$1"; echo 1 > one`;
      const run = await world.run(['sh', '-ec', `cd ~/${dir}; ${plain}`, 'sh', file], {
        options: ['-v', `${name}:~/${dir}`],
      });
      expect(run.volume(name)).toMatchObject({ skipped: null });
      expect(run.volume(name).layer).not.toBeNull();
    }
    expectCleanStore(world);
  });

  test('a token that npm uses is nowhere in the store', async () => {
    await using registry = await startLocalRegistry([{ name: 'left', version: '1.0.0' }], { maxAgeSeconds: 0 });
    using world = openWorld({ env: { npm_config_registry: registry.url } });
    const project = await npmProject(world, registry, {
      name: 'app',
      dependencies: { left: '1.0.0' },
      addresses: false,
    });
    world.write({ 'home/.npmrc': `${registry.url.replace('http:', '')}:_authToken=${secret}\n` });
    for (const args of [['ci'], ['view', 'left']]) {
      const run = await world.run(['npm', ...args], { cwd: project });
      expect(run).toMatchObject({ code: 0 });
      expect(run.volume('npm').layer).not.toBeNull();
    }
    expectCleanStore(world);
  });
});
