import type { LayerImage, Mount, RunRequest } from '@cachelane/core';
import { imageStage, imageTable, type ImageTools } from './image-stage.ts';
import { systemPath } from './sudo-tools.ts';
import type { Tools } from './tools.ts';

/**
 * Signals that would end bubblewrap's monitor and lose the exit code. They stay blocked (not ignored) until the command is executed. A
 * signal that arrives earlier then reaches the command, and stays pending in the monitor, which shows who received it (see signals.ts). Job
 * control signals are not blocked: the monitor stops and continues with the command.
 */
export const heldSignals = ['INT', 'QUIT', 'TERM', 'HUP', 'USR1', 'USR2'] as const;
export type HeldSignal = (typeof heldSignals)[number];

/** The descriptor for bubblewrap's status lines. */
const statusFd = 3;

/** The exit code of flock if the lease is still held after `leaseWaitSeconds`. No standard code (sysexits, 64 to 78). */
export const leaseHeldCode = 99;
export const leaseHeld = 'the lease of this session is held by another process';

/** Checks of a session's life hold its lease only for a moment. */
const leaseWaitSeconds = 5;

/** Options of flock(1). */
export const leaseOptions: readonly string[] = [
  '--exclusive',
  `--wait=${leaseWaitSeconds}`,
  `--conflict-exit-code=${leaseHeldCode}`,
];

/** They would affect every program of the chain (fakeroot hides the user from bubblewrap), so only the command gets them. */
export const linkerVariables: readonly string[] = ['LD_PRELOAD', 'LD_LIBRARY_PATH', 'LD_AUDIT', 'LD_DEBUG'];

/** bubblewrap's limit, which includes the command's arguments. */
const bwrapArgumentsMax = 9000;

export interface Chain {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Contents of the descriptors after the status descriptor. May hold secrets. */
  readonly inputs: readonly string[];
}

/** Images to mount before bubblewrap starts. */
export interface ImageMounts {
  readonly tools: ImageTools;
  readonly images: readonly LayerImage[];
}

export interface ChainOptions {
  readonly tools: Tools;
  /** Targets and directories without symbolic links; targets in mount order. */
  readonly mounts: readonly Mount[];
  readonly request: Pick<RunRequest, 'argv' | 'cwd' | 'env' | 'leaseFile'>;
  /** Signals that the command ignores. */
  readonly ignored: readonly HeldSignal[];
  /** Null: no volume has images. */
  readonly images: ImageMounts | null;
  /** Files that the command sees as copies owned by the user. Their descriptors follow those of the inputs. */
  readonly copies: readonly { readonly path: string; readonly fd: number }[];
  /** A path of this session only, bound onto itself in the command's mount namespace, to recognise the namespace later. */
  readonly marker: string;
}

/**
 * Returns `env` as the last link before a command: unblocks signals and sets variables. `env` takes `NAME=VALUE` and a lone `-` as its own
 * arguments, so `nice -n 0`, which changes nothing, precedes a command with such a name.
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
  // bubblewrap expects the bottom layer first.
  const sources = mount.lowerDirs.toReversed().flatMap((dir) => ['--overlay-src', dir]);
  return [...sources, '--overlay', mount.upperDir, mount.workDir, mount.target];
}

/**
 * Returns the command line: `env` (block signals) → `flock` (take the lease, which later programs inherit) → `bwrap` (mount) → `env`
 * (unblock signals) → the command. Each program replaces itself, except bubblewrap, which stays as monitor. Images add programs in front,
 * see {@link imageChain}. Returns null if there are more arguments than bubblewrap takes.
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
  // bubblewrap sets PWD to the resolved directory.
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
  /** Variables set after bubblewrap. */
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
    // Bind the marker before the overlays. Below an overlay it would be created there and saved.
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
 * `env` (ignore signals) → `flock` → `unshare` (mount namespace) → `sh` (mount images) → `env` (block signals) → `bwrap` → `env` → the
 * command. The lease comes first, because a process that finds it free removes the mounted directories. bubblewrap sets the command's
 * environment from a file, because the shell would change it. The shell also unblocks signals, so they are ignored before it. An ignored
 * signal also reached this process, which sends it on.
 */
function imageChain(chain: PreparedChain, { tools, images, env }: ImageMounts & Pick<Chain, 'env'>): Chain | null {
  const held = heldSignals.join(',');
  const variables = Object.entries(env).filter(([name]) => name !== '' && !name.includes('='));
  const environment = ['--clearenv', ...variables.flatMap(([name, value]) => ['--setenv', name, value])];
  const inputs = [environment.map((word) => `${word}\0`).join(''), imageTable(images)];
  const bwrap = bwrapCommand(chain, inputs.length);
  if (bwrap.length + environment.length > bwrapArgumentsMax) return null;
  // Later mounts and unmounts on the host reach the command, not the reverse.
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
