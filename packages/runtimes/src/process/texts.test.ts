import { describe, expect, test } from 'vitest';
import { ignoredSignals } from '../signals/ignored-signals.ts';
import { imageMend, type MachineFacts, mendFor } from '../system/mends.ts';
import { parseStatus } from '../system/status-file.ts';
import { complaint } from './why-not-started.ts';

// Real texts of programs and the kernel, and the results of parsing them.

describe('the status lines of bubblewrap', () => {
  test.each([
    ['', null, null],
    ['    ', null, null],
    ['{ "child-pid": 12   ', null, null],
    ['{ "child-pid": 12, "mnt-namespace": 4026532177 }\n   ', 12, null],
    ['{ "child-pid": 12 }\n{ "exit-code": 0 }\n', 12, 0],
    ['{ "news": true }\n{ "child-pid": 12 }\n{ "exit-code": 137 }\n', 12, 137],
  ])('%j', (text, childPid, exitCode) => {
    expect(parseStatus(text)).toEqual({ childPid, exitCode });
  });
});

test('reads ignored signals from a status', () => {
  expect(ignoredSignals('SigBlk:\t0000000000000001\nSigIgn:\t0000000000001005\nSigCgt:\t0\n')).toEqual(['QUIT', 'HUP']);
  expect(ignoredSignals('SigIgn:\t0000000000000000\n')).toEqual([]);
  expect(ignoredSignals('')).toEqual([]);
});

describe('complaints', () => {
  test.each([
    ['', null],
    ['something else: no\n', null],
    [
      "warning\nbwrap: Can't make overlay mount on /newroot/h/.npm with options upperdir=/oldroot/u: x,userxattr: Invalid argument\n",
      "bwrap: Can't make overlay mount on /h/.npm: Invalid argument",
    ],
    [
      '/usr/bin/flock: cannot open lock file /x: Permission denied\n',
      'flock: cannot open lock file /x: Permission denied',
    ],
    ["/usr/bin/env: unrecognized option '--block-signal=INT'\n", "env: unrecognized option '--block-signal=INT'"],
  ])('%j', (stderr, expected) => {
    expect(complaint(stderr)).toBe(expected);
  });
});

describe('mends', () => {
  const machine: MachineFacts = {
    isRoot: false,
    isContainer: false,
    fileSystemType: 0xef53,
    appArmorRestrictsUserNamespaces: null,
    unprivilegedUserNamespaces: null,
    maxUserNamespaces: '96365',
  };
  const noNamespace =
    "bwrap: No permissions to create a new namespace, likely because the kernel does not allow non-privileged user namespaces. On e.g. debian this can be enabled with 'sysctl kernel.unprivileged_userns_clone=1'.";
  const noOverlay = "bwrap: Can't make overlay mount on /h/.npm: Invalid argument";

  test.each<readonly [string, Partial<MachineFacts>, RegExp]>([
    ['not installed: bwrap, flock', {}, /apt-get install bubblewrap/],
    ['bwrap: Unknown option --overlay-src', {}, /0\.11 or newer/],
    ["env: unrecognized option '--block-signal=INT'", {}, /8\.31 or newer/],
    ["env: error: unexpected argument '--block-signal' found", {}, /gnu-coreutils/],
    ["flock: unrecognized option '--no-fork'", {}, /2\.34 or newer/],
    ['bwrap: setting up uid map: Permission denied', { appArmorRestrictsUserNamespaces: '1' }, /AppArmor/],
    [noNamespace, { unprivilegedUserNamespaces: '0' }, /sysctl kernel\.unprivileged_userns_clone=1/],
    [noNamespace, { maxUserNamespaces: '0' }, /sysctl user\.max_user_namespaces/],
    [noNamespace, { isContainer: true }, /--privileged/],
    ['bwrap: Creating new namespace failed: Operation not permitted', { isRoot: true, isContainer: true }, /SYS_ADMIN/],
    ['bwrap: Creating new namespace failed: Operation not permitted', { isRoot: true }, /CAP_SYS_ADMIN/],
    ['bwrap: Failed to make / slave: Permission denied', { isContainer: true }, /--privileged/],
    [noOverlay, { fileSystemType: 0x794c7630 }, /on an overlay itself/],
    [noOverlay, { fileSystemType: 0x01021994 }, /tmpfs/],
    [noOverlay, {}, /ordinary disk file system/],
    ["bwrap: Can't make overlay mount on /h: No such device", {}, /modprobe overlay/],
    ["bwrap: Can't make overlay mount on /h: Operation not permitted", {}, /5\.11/],
    ['bwrap: something new', {}, /bwrap --dev-bind/],
  ])('%s', (reason, facts, expected) => {
    expect(mendFor(reason, { ...machine, ...facts })).toMatch(expected);
  });
});

describe('the hint for images that were not mounted', () => {
  const images = [{ file: '/l/image', dir: '/l/tree' }];

  test.each([
    ["mount: /l/tree: unknown filesystem type 'erofs'.", /modprobe erofs/],
    ['mount: /l/tree: wrong fs type, bad option, bad superblock on /l/image, …', /damaged.*cachelane verify/],
    ['mount: /l/tree: mount(2) system call failed: Structure needs cleaning.', /damaged/],
    ['mount: /l/tree: special device /l/image does not exist.', /damaged/],
    ['mount: /l/tree: failed to setup loop device for /l/image.', /ordinary disk/],
    ['mount: /l/tree: permission denied.', /CAP_SYS_ADMIN/],
  ])('%s', (reason, mend) => {
    expect(imageMend(reason, images)).toMatch(mend);
  });

  test.each([
    'mount: /l/tree: mount(2) system call failed: No space left on device.',
    // An overlay.
    'mount: /target: special device cachelane does not exist.',
    "mount: /target: unknown filesystem type 'overlay'.",
    'flock: cannot open lock file',
  ])('nothing: %s', (reason) => {
    expect(imageMend(reason, images)).toBeUndefined();
  });
});
