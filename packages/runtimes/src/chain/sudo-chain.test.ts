import { describe, expect, test } from 'vitest';
import { limitArguments } from './caller.ts';
import { complaintIn } from '../process/run-sudo.ts';
import { overlayOptions, planText, sudoChain } from './sudo-chain.ts';
import { sudoRefusal } from './sudo-problem.ts';

const tools = {
  sudo: '/t/sudo',
  env: '/t/env',
  sh: '/t/sh',
  unshare: '/t/unshare',
  setpriv: '/t/setpriv',
  perl: '/t/perl',
  nice: '/t/nice',
};
const caller = { uid: 7, gid: 8, groups: [8, 9], umask: 0o022, limits: ['--nofile=1:2', '--core=0:0'] };
const options = {
  tools,
  caller,
  mounts: [{ target: '/target', links: '/links/0', layers: 3 }],
  leaseFile: '/lease',
  marker: '/upper',
  status: '/proc/1/fd/3',
  plan: '/proc/1/fd/4',
  images: '/proc/1/fd/5',
};

/** Leaves out the text of the programs. */
const words = (args: readonly string[] = []): string => args.filter((word) => !word.includes('\n')).join(' ');

describe('the chain through sudo', () => {
  test('mounts as root without the environment, then becomes the user again', () => {
    const chain = sudoChain(options);
    expect(chain?.env).toEqual({ PATH: expect.not.stringContaining('local'), LC_ALL: 'C' });
    expect(words(chain?.args)).toMatch(
      /^--ignore-signal=INT,QUIT,TERM,HUP,USR1,USR2 -- \/t\/sudo -n -- \/t\/env -i PATH=\S+ LC_ALL=C \/t\/unshare --mount --propagation slave -- \/t\/sh -c cachelane \/proc\/1\/fd\/3 \/proc\/1\/fd\/4 \/proc\/1\/fd\/5 \/lease \/upper 7:8 --nofile=1:2 --core=0:0 \/links\/0 \/target nosuid,nodev,index=off,userxattr,lowerdir=0:1:2,upperdir=u_,workdir=w_ -- \/t\/env --block-signal=\S+ -- \/t\/setpriv --reuid=7 --regid=8 --groups=8,9 -- \/t\/perl -e$/,
    );
  });

  test('root needs no sudo', () => {
    const chain = sudoChain({ ...options, caller: { ...caller, uid: 0, groups: [] } });
    expect(words(chain?.args)).not.toContain('/t/sudo');
    expect(words(chain?.args)).toContain('--reuid=0 --regid=8 --clear-groups');
  });

  test('takes as many layers as fit into one mount option', () => {
    expect(overlayOptions(90)).toContain('lowerdir=0:1:');
    expect(overlayOptions(100)).toBeNull();
    expect(sudoChain({ ...options, mounts: [{ target: '/t', links: '/l', layers: 100 }] })).toBeNull();
  });
});

test('the plan holds the environment; linker variables are set after env', () => {
  const request = { argv: ['make', '-j2'], cwd: '/c', env: { LD_PRELOAD: '/p', PWD: '/x', 'A-B': 'a\nb=c' } };
  const env = ['/t/env', '--default-signal=INT,QUIT,TERM,HUP,USR1,USR2', '--ignore-signal=HUP', '--', 'LD_PRELOAD=/p'];
  const expected = ['/c', '27', '7', ...env, 'make', '-j2', 'PWD=/x', 'A-B=a\nb=c'];
  expect(planText({ tools, request, ignored: ['HUP'], umask: 0o27 })).toBe(
    expected.map((word) => `${word}\0`).join(''),
  );
});

test('limits become options, with the core limit last', () => {
  const text =
    'Limit                     Soft Limit           Hard Limit           Units     \nMax core file size        0                    unlimited            bytes     \nMax open files            1024                 524288               files     \nMax nice priority         0                    0                    \n';
  expect(limitArguments(text)).toEqual(['--nofile=1024:524288', '--nice=0:0', '--core=0:unlimited']);
});

test.each([
  ['sudo: a password is required\n', 'sudo needs a password here'],
  ['sudo: unable to resolve host x\nsudo: a password is required\n', 'sudo needs a password here'],
  ['sudo: The "no new privileges" flag is set, which prevents', 'sudo has no effect here: a sandbox set no_new_privs'],
  ['sudo: sorry, you must have a tty to run sudo\n', 'sudo: sorry, you must have a tty to run sudo'],
  ['', 'sudo failed and did not say why'],
])('what sudo prints: %j', (said, reason) => {
  expect(sudoRefusal(said)).toBe(reason);
});

test('the first complaint of a stage is the reason', () => {
  const status = 'mount: /target: special device x does not exist.\n       dmesg(1) may have more information\n';
  expect(complaintIn(`${status}${' '.repeat(99)}`)).toBe('mount: /target: special device x does not exist.');
  expect(complaintIn("cachelane: Can't chdir to /c: No such file")).toBe("Can't chdir to /c: No such file");
  expect(complaintIn('{"monitor-pid":1,"child-pid":2}\n    ')).toBeNull();
});
