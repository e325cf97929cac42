import { describe, expect, test } from 'vitest';
import { commandChain, envCommand } from './chain.ts';

const tools = { env: '/t/env', nice: '/t/nice', flock: '/t/flock', bwrap: '/t/bwrap' };
const request = { argv: ['make', '-j2'], cwd: '/c', env: { HOME: '/h' }, leaseFile: '/lease' };
const overlay = {
  kind: 'overlay',
  target: '/target',
  lowerDirs: ['/top', '/middle', '/bottom'],
  upperDir: '/upper',
  workDir: '/scratch',
} as const;
const options = { tools, mounts: [overlay], request, ignored: [], copies: [], marker: '/upper' };

const withArguments = (count: number) => ({ ...request, argv: Array.from({ length: count }, () => 'x') });

describe('the chain', () => {
  test('holds signals, takes the lease, mounts with the bottom first, frees the signals, runs the command', () => {
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

  test('only what the linker reads moves from the environment to the arguments', () => {
    const env = { LD_PRELOAD: '/p', LD_SDK_KEY: 'secret', PWD: '/x', TOKEN: 'secret' };
    const chain = commandChain({ ...options, request: { ...request, env } });
    expect(chain?.env).toEqual({ LD_SDK_KEY: 'secret', PWD: '/x', TOKEN: 'secret' });
    expect(chain?.args.join(' ')).toContain('-- LD_PRELOAD=/p PWD=/x make');
    expect(chain?.args.join(' ')).not.toContain('secret');
  });

  test('bubblewrap counts the arguments of the command too', () => {
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
