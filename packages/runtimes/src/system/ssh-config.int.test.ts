import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { copySshConfig, includedFiles } from './ssh-config.ts';
import { makeWorld, runClient, testUsers } from '../process/world.fixture.ts';

describe('the files that an ssh configuration includes', () => {
  test('are found by name, by wildcard, through links, and recursively', () => {
    using world = makeWorld(testUsers[0]);
    const inside = world.dir('conf.d', { 'b.conf': 'Host b\n', 'a.conf': 'Host a\n', '.hidden.conf': '', other: '' });
    writeFileSync(join(world.root, 'deep'), 'Include no/such/file\n');
    symlinkSync(join(world.root, 'deep'), join(inside, 'c.conf'));
    writeFileSync(
      join(inside, 'a.conf'),
      `  include=${world.root}/twice "${world.root}/with space"\n# Include ${world.root}/x\n`,
    );
    writeFileSync(join(world.root, 'twice'), `Include ${world.root}/config ~/.ssh/mine\nHostName Include\n`);
    writeFileSync(join(world.root, 'with space'), '');
    writeFileSync(join(world.root, 'config'), `Host *\n  INCLUDE ${inside}/*.conf ${inside}/none*\n`);
    const names = includedFiles(join(world.root, 'config')).map((path) => path.slice(world.root.length + 1));
    expect(names).toEqual(['conf.d/a.conf', 'conf.d/b.conf', 'deep', 'twice', 'with space', 'config']);
  });

  test('are copied for ordinary users only, and not their own files', () => {
    using world = makeWorld(testUsers[0]);
    const own = process.getuid?.() ?? 0;
    writeFileSync(join(world.root, 'config'), `Include ${world.root}/other\n`);
    writeFileSync(join(world.root, 'other'), 'Host x\n');
    for (const uid of [0, null]) {
      using none = copySshConfig(uid, join(world.root, 'config'));
      expect(none.files).toEqual([]);
    }
    using copies = copySshConfig(own + 1, join(world.root, 'config'));
    expect(copies.files.map(({ path, fd }) => [path, readFileSync(fd, 'utf8')])).toEqual([
      [join(world.root, 'other'), 'Host x\n'],
    ]);
  });
});

const withSsh = requireCommands('bwrap', 'flock', 'ssh');

// Not nobody: unknown owners look like nobody in a user namespace. ssh also needs a user with a name.
const daemon = { name: 'a user with a name', uid: 1 };
const users = process.getuid?.() === 0 ? [testUsers[0], daemon] : testUsers;

describe.each(users)('as $name', (user) => {
  withSsh('ssh', () => {
    test('works with volumes as without', async () => {
      using world = makeWorld(user);
      world.mount();
      const argv = ['sh', '-c', 'ssh -G somewhere.example > answer && grep -c . answer; ls -L /etc/ssh/ssh_config.d'];
      const { stdout, stderr } = await runClient(world, world.bothWays(world.request(argv)), { user });
      const half = stdout.length / 2;
      expect(stdout.slice(0, half)).toBe(stdout.slice(half));
      expect(stderr).not.toContain('Bad owner');
    });
  });
});
