import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, type World } from './cli.fixture.ts';
import { allowSudo } from './sudo-rule.fixture.ts';

// Jobs of hosted CI: an ordinary user who can use sudo without a password.

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

allowSudo();

const volume = ['-v', 'data:~/data'];

const open = (env: Readonly<Record<string, string>>): World => openWorld({ user: 'ordinary user', env });

const found = (world: World, options = {}): string =>
  world
    .cachelaneSync(
      ['run', '--quiet', ...volume, '--', 'sh', '-c', 'cd ~/data && find . -type f | sort | xargs'],
      options,
    )
    .stdout.trim();

async function run(world: World, script: string): Promise<void> {
  const { code, stderr } = await world.run(['sh', '-euc', `cd ~/data; ${script}`], { options: volume });
  expect({ code, stderr }).toMatchObject({ code: 0 });
}

requireCommands(
  'sudo',
  'bwrap',
  'unshare',
  'setpriv',
  'perl',
)('a job that uses sudo', () => {
  test('sudo works in the step, its changes are saved, and the next run sees them', async () => {
    using world = open({ CACHELANE_SUDO: '1' });
    await run(world, 'test "$(sudo -n id -u)" = 0; mkdir -p d/deep e; touch a d/old d/deep/older e/f');
    expect(found(world)).toBe('./a ./d/deep/older ./d/old ./e/f');
    // Removing, recreating and moving produce whiteouts and opaque directories.
    await run(world, 'rm a; rm -r d; mkdir -p d/deep; touch d/deep/new; mv e g');
    expect(found(world)).toBe('./d/deep/new ./g/f');
    await run(world, 'rm -r d/deep; mkdir d/deep; touch d/deep/newest');
    expect(found(world)).toBe('./d/deep/newest ./g/f');
    // Both ways of mounting show the same files.
    expect(found(world, { env: { CACHELANE_SUDO: '0' } })).toBe('./d/deep/newest ./g/f');
  });

  test('layers of both ways of mounting stack on each other', async () => {
    using world = open({});
    const turn = async (way: string, script: string): Promise<void> => {
      world.env['CACHELANE_SUDO'] = way;
      await run(world, script);
    };
    await turn('0', 'mkdir -p d/x; touch d/one d/x/one');
    await turn('1', 'rm -r d; mkdir -p d/x; touch d/two d/x/two');
    await turn('0', 'rm -r d/x; mkdir d/x; touch d/x/three');
    await turn('1', 'touch d/x/four; rm d/two');
    expect(found(world)).toBe('./d/x/four ./d/x/three');
    expect(found(world, { env: { CACHELANE_SUDO: '0' } })).toBe('./d/x/four ./d/x/three');
  });

  test('a known CI system uses sudo by default, and doctor shows it', async () => {
    using world = open({ CI: 'true', GITHUB_ACTIONS: 'true' });
    const { stdout } = await world.cachelane(['doctor', '--verbose']);
    expect(stdout).toContain('mounts by: sudo: this is GitHub Actions');
    expect(stdout).toContain('ok    mounts: ');
    const step = await world.cachelane(['run', ...volume, '--', 'sudo', '-n', 'id', '-u']);
    expect(step).toMatchObject({ code: 0, stdout: '0\n' });
    const person = await world.cachelane(['doctor', '--verbose'], {
      env: { CI: undefined, GITHUB_ACTIONS: undefined },
    });
    expect(person.stdout).toContain('mounts by: bubblewrap: no CI system was detected');
  });

  test('files that sudo left in the volume are saved as the user’s, and none stays behind', async () => {
    using world = open({ CACHELANE_SUDO: '1' });
    await run(world, 'sudo -n sh -c "umask 077; mkdir r; echo x > r/f; echo y > g"; touch mine');
    expect(found(world)).toBe('./g ./mine ./r/f');
    expect(
      world.exec(['find', world.store, '!', '-uid', String(isRoot ? nobody : process.getuid?.()), '!', '-type', 'c'])
        .stdout,
    ).toBe('');
  });
});
