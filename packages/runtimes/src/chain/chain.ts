import type { LayerImage, Mount, RunRequest } from '@cachelane/core';
import { imageStage, imageTable, type ImageTools } from './image-stage.ts';
import { systemPath } from './sudo-tools.ts';
import type { Tools } from './tools.ts';

/**
 * The signals that must not end bubblewrap's monitor: it would lose the command's exit code. They are blocked, not
 * ignored, from the start of the chain to the moment before the command is executed: a signal that arrives meanwhile
 * waits and then meets the command, and the monitor, in which it stays pending, shows who was sent a signal (see
 * signals.ts). Job control (TSTP, TTIN, TTOU) is left alone: the monitor stops and goes on with the command.
 */
export const heldSignals = ['INT', 'QUIT', 'TERM', 'HUP', 'USR1', 'USR2'] as const;
export type HeldSignal = (typeof heldSignals)[number];

/** The descriptor that bubblewrap writes its status lines to. */
const statusFd = 3;

/** What flock answers when the lease is still held after `leaseWaitSeconds`; no code of its own (sysexits, 64 to 78). */
export const leaseHeldCode = 99;
export const leaseHeld = 'the lease of this session is held by another process';

/** Whoever looks whether a session lives takes its lease for a moment; nobody holds it for long while it is ours. */
const leaseWaitSeconds = 5;

/** Of flock(1), which waits for the lease. */
export const leaseOptions: readonly string[] = [
  '--exclusive',
  `--wait=${leaseWaitSeconds}`,
  `--conflict-exit-code=${leaseHeldCode}`,
];

/** These act on every program of the chain (fakeroot hides who we are from bubblewrap), and are meant for the command. */
export const linkerVariables: readonly string[] = ['LD_PRELOAD', 'LD_LIBRARY_PATH', 'LD_AUDIT', 'LD_DEBUG'];

/** bubblewrap counts the command's arguments too. */
const bwrapArgumentsMax = 9000;

export interface Chain {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the chain reads from the descriptors that follow that of the status, each from its own. May hold secrets. */
  readonly inputs: readonly string[];
}

/** What is mounted before bubblewrap begins. */
export interface ImageMounts {
  readonly tools: ImageTools;
  readonly images: readonly LayerImage[];
}

export interface ChainOptions {
  readonly tools: Tools;
  /** Targets and directories without symbolic links, targets in the order in which they are to be mounted. */
  readonly mounts: readonly Mount[];
  readonly request: Pick<RunRequest, 'argv' | 'cwd' | 'env' | 'leaseFile'>;
  /** Signals that the command is to find ignored. */
  readonly ignored: readonly HeldSignal[];
  /** Null: no volume has any. */
  readonly images: ImageMounts | null;
  /** Files that the command finds as copies, owned by the user; their descriptors follow those of the inputs. */
  readonly copies: readonly { readonly path: string; readonly fd: number }[];
  /** A directory or file of this session alone, bound onto itself in the command's mount namespace, which is recognised by it later. */
  readonly marker: string;
}

/**
 * `env` as the last link in front of a command: frees the held signals and sets variables. It takes `NAME=VALUE` and a
 * lone `-` in front for its own; a command with such a name hides behind `nice -n 0`, which changes nothing.
 */
export function envCommand(tools: Pick<Tools, 'env' | 'nice'>, options: EnvOptions): readonly string[] {
  const { argv, ignored } = options;
  const name = argv[0] ?? '';
  return [
    tools.env,
    `--default-signal=${heldSignals.join(',')}`,
    ...(ignored.length > 0 ? [`--ignore-signal=${ignored.join(',')}`] : []),
    ...options.unset.map((variable) => `--unset=${variable}`),
    '--',
    ...Object.entries(options.set).map(([variable, value]) => `${variable}=${value}`),
    ...(name.includes('=') || name === '-' ? [tools.nice, '-n', '0', '--'] : []),
    ...argv,
  ];
}

export interface EnvOptions {
  readonly argv: readonly string[];
  readonly ignored: readonly HeldSignal[];
  /** Visible in the process list: never a variable that may hold a secret. */
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

function mountArguments(mount: Mount): readonly string[] {
  if (mount.kind === 'directory') return ['--bind', mount.path, mount.target];
  // bubblewrap wants the bottom first.
  const sources = mount.lowerDirs.toReversed().flatMap((dir) => ['--overlay-src', dir]);
  return [...sources, '--overlay', mount.upperDir, mount.workDir, mount.target];
}

/**
 * The whole command line: `env` (hold the signals) → `flock` (take the lease, which everything after it inherits) →
 * `bwrap` (mount) → `env` (free the signals) → the command. Each replaces itself by the next but for bubblewrap, which
 * stays as monitor. With images there is more in front of it, see {@link imageChain}. Null when there are more arguments
 * than bubblewrap takes.
 */
export function commandChain(options: ChainOptions): Chain | null {
  const { tools, request, images } = options;
  const env: Record<string, string> = { ...request.env };
  const set: Record<string, string> = {};
  for (const variable of linkerVariables) {
    const value = env[variable];
    if (value === undefined) continue;
    set[variable] = value;
    delete env[variable];
  }
  // bubblewrap sets it to the folder by the name it knows.
  const pwd = request.env['PWD'];
  if (pwd !== undefined) set['PWD'] = pwd;
  const chain = { ...options, set, unset: pwd === undefined ? ['PWD'] : [] };

  if (images !== null) return imageChain(chain, { ...images, env });
  const bwrap = bwrapCommand(chain, 0);
  if (bwrap.length > bwrapArgumentsMax) return null;
  return {
    file: tools.env,
    args: [`--block-signal=${heldSignals.join(',')}`, '--', ...leaseCommand(options), ...bwrap],
    env,
    inputs: [],
  };
}

interface PreparedChain extends ChainOptions {
  /** Of the environment, behind bubblewrap. */
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

const leaseCommand = ({ tools, request: { leaseFile } }: ChainOptions): readonly string[] =>
  leaseFile === null ? [] : [tools.flock, '--no-fork', ...leaseOptions, leaseFile];

function bwrapCommand(chain: PreparedChain, inputs: number): readonly string[] {
  const { tools, mounts, request, ignored, copies, marker, set, unset } = chain;
  const copiesFd = statusFd + 1 + inputs;
  return [
    tools.bwrap,
    ...(inputs === 0 ? [] : ['--args', String(statusFd + 1)]),
    '--dev-bind',
    '/',
    '/',
    // Before the overlays: below one of them it would be made there, and saved.
    '--bind',
    marker,
    marker,
    ...copies.flatMap(({ path }, index) => ['--perms', '0644', '--ro-bind-data', String(copiesFd + index), path]),
    ...mounts.flatMap(mountArguments),
    '--chdir',
    request.cwd,
    '--json-status-fd',
    String(statusFd),
    '--',
    ...envCommand(tools, { argv: request.argv, ignored, set, unset }),
  ];
}

/**
 * `env` (ignore the signals) → `flock` → `unshare` (mount namespace) → `sh` (mount the images) → `env` (hold the signals) →
 * `bwrap` → `env` → the command. The lease comes first: who finds it free removes what would be mounted. The shell may not
 * have the command's environment, which bubblewrap sets instead, from a file. Nor can it hold signals: in front they are ignored,
 * and what is lost that way came to us as well, and we send it on.
 */
function imageChain(chain: PreparedChain, { tools, images, env }: ImageMounts & Pick<Chain, 'env'>): Chain | null {
  const held = heldSignals.join(',');
  const variables = Object.entries(env).filter(([name]) => name !== '' && !name.includes('='));
  const environment = ['--clearenv', ...variables.flatMap(([name, value]) => ['--setenv', name, value])];
  const inputs = [environment.map((word) => `${word}\0`).join(''), imageTable(images)];
  const bwrap = bwrapCommand(chain, inputs.length);
  if (bwrap.length + environment.length > bwrapArgumentsMax) return null;
  // What is mounted and unmounted on the host later is so for the command, not the other way round.
  const namespace = [tools.unshare, '--mount', '--propagation', 'slave', '--'];
  const stage = [tools.sh, '-c', imageStage, 'cachelane', tools.mount];
  const holding = [chain.tools.env, `--block-signal=${held}`, '--'];
  return {
    file: chain.tools.env,
    args: [`--ignore-signal=${held}`, '--', ...leaseCommand(chain), ...namespace, ...stage, ...holding, ...bwrap],
    env: { PATH: systemPath, LC_ALL: 'C' },
    inputs,
  };
}
