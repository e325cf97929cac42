import { describe, expect, test } from 'vitest';
import { commandChain, envCommand } from './chain.ts';

const tools = { env: '/t/env', nice: '/t/nice', flock: '/t/flock', bwrap: '/t/bwrap' };
const request = { argv: ['make', '-j2'], cwd: '/c', env: { HOME: '/h' }, leaseFile: '/lease' };
const overlay = {
  kind: 'overlay',
  target: '/target',
  lowerDirs: ['/top', '/middle', '/bottom'],
  images: [],
  upperDir: '/upper',
  workDir: '/scratch',
} as const;
const options = { tools, mounts: [overlay], request, ignored: [], images: null, copies: [], marker: '/upper' };

const withArguments = (count: number) => ({ ...request, argv: Array.from({ length: count }, () => 'x') });

describe('the chain', () => {
  test('the chain blocks signals, takes the lease, mounts bottom first, unblocks signals and runs the command', () => {
    expect(commandChain(options)?.args.join(' ')).toBe(
      '--block-signal=INT,QUIT,TERM,HUP,USR1,USR2 -- ' +
        '/t/flock --no-fork --exclusive --wait=5 --conflict-exit-code=99 /lease ' +
        '/t/bwrap --dev-bind / / --bind /upper /upper ' +
        '--overlay-src /bottom --overlay-src /middle --overlay-src /top --overlay /upper /scratch /target ' +
        '--chdir /c --json-status-fd 3 -- ' +
        '/t/env --default-signal=INT,QUIT,TERM,HUP,USR1,USR2 --unset=PWD -- make -j2',
    );
  });

  test('without a lease there is no flock', () => {
    const args = commandChain({ ...options, request: { ...request, leaseFile: null } })?.args;
    expect(args?.[2]).toBe('/t/bwrap');
  });

  test('only linker variables move from the environment to the arguments', () => {
    const env = { LD_PRELOAD: '/p', LD_SDK_KEY: 'secret', PWD: '/x', TOKEN: 'secret' };
    const chain = commandChain({ ...options, request: { ...request, env } });
    expect(chain?.env).toEqual({ LD_SDK_KEY: 'secret', PWD: '/x', TOKEN: 'secret' });
    expect(chain?.args.join(' ')).toContain('-- LD_PRELOAD=/p PWD=/x make');
    expect(chain?.args.join(' ')).not.toContain('secret');
  });

  describe('with images', () => {
    const images = {
      tools: { sh: '/t/sh', unshare: '/t/unshare', mount: '/t/mount' },
      images: [{ file: '/layers/a b/image', dir: '/layers/a b/tree' }],
    };

    test('images are mounted in a namespace that holds the lease, without the environment', () => {
      const env = { 'A-B': 'secret\n', LD_PRELOAD: '/p', '': 'x', 'C=D': 'y' };
      const copies = [{ path: '/copy', fd: 99 }];
      const chain = commandChain({ ...options, images, copies, request: { ...request, env } });
      expect(chain?.args.filter((word) => !word.includes('\n')).join(' ')).toMatch(
        /^--ignore-signal=INT,\S+ -- \/t\/flock \S+ \S+ \S+ \S+ \/lease \/t\/unshare --mount --propagation slave -- \/t\/sh -c cachelane \/t\/mount \/t\/env --block-signal=INT,\S+ -- \/t\/bwrap --args 4 --dev-bind \/ \/ .* --ro-bind-data 6 \/copy .* --json-status-fd 3 -- \/t\/env --default-signal=\S+ --unset=PWD -- LD_PRELOAD=\/p make -j2$/,
      );
      expect(chain?.env).toEqual({ PATH: expect.not.stringContaining('local'), LC_ALL: 'C' });
      expect(chain?.inputs).toEqual([
        '--clearenv\0--setenv\0A-B\0secret\n\0',
        '/layers/a\\040b/image /layers/a\\040b/tree erofs ro,nosuid,nodev 0 0\n',
      ]);
    });

    test('bubblewrap also counts the environment', () => {
      const env = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`V${index}`, '']));
      expect(commandChain({ ...options, request: { ...withArguments(8900), env } })).not.toBeNull();
      expect(commandChain({ ...options, images, request: { ...withArguments(8900), env } })).toBeNull();
    });
  });

  test('bubblewrap also counts the arguments of the command', () => {
    expect(commandChain({ ...options, request: withArguments(8900) })).not.toBeNull();
    expect(commandChain({ ...options, request: withArguments(9000) })).toBeNull();
  });
});

const command = (...argv: string[]) =>
  envCommand(tools, { argv, ignored: ['HUP'], set: {}, unset: [] })
    .slice(2)
    .join(' ');

describe('env in front of a command', () => {
  test.each([
    ['true', '--ignore-signal=HUP -- true'],
    ['-v', '--ignore-signal=HUP -- -v'],
    ['a=b', '--ignore-signal=HUP -- /t/nice -n 0 -- a=b'],
    ['-', '--ignore-signal=HUP -- /t/nice -n 0 -- -'],
  ])('%s', (name, expected) => {
    expect(command(name)).toBe(expected);
  });
});
