import type { Mount, RunRequest } from '@cachelane/core';
import { type Chain, envCommand, type HeldSignal, heldSignals, linkerVariables } from './chain.ts';
import { bindOption, rootStage, userStage } from './sudo-stages.ts';
import { systemPath, type SudoTools } from './sudo-tools.ts';

/** The user that root's part switches back to for the command. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  readonly umask: number;
  /** Options of prlimit(1), each a plain word. sudo and PAM change limits. */
  readonly limits: readonly string[];
}

export interface LinkedMount {
  readonly target: string;
  /**
   * The directory with links to the layers, named by {@link layerName}, and to the upper and work directories, `u_` and `w_`; or to the
   * directory to bind, `b_`.
   */
  readonly links: string;
  /** Null: a bound directory. */
  readonly layers: number | null;
}

export interface SudoChainOptions {
  readonly tools: SudoTools;
  readonly caller: Caller;
  readonly mounts: readonly LinkedMount[];
  readonly leaseFile: string | null;
  readonly marker: string;
  /** Paths under which root can open nameless files of this process. */
  readonly status: string;
  readonly plan: string;
  /** The table of images to mount; null: none. */
  readonly images: string | null;
}

const held = heldSignals.join(',');

/** mount(8) passes each option to the kernel separately, with at most 255 bytes. */
const optionBytesMax = 255;

export const layerName = (index: number): string => index.toString(36);

/**
 * Returns overlay options with links in mount(8)'s working directory, or null if there are too many layers. Real paths may be too long, or
 * have characters whose escaping changed over the years. With `userxattr`, an ordinary user can collect this mount's marks, and redirects
 * and metacopy are off. `nosuid,nodev` applies to the overlay whatever the images say.
 */
export function overlayOptions(layers: number): string | null {
  const lowerDirs = Array.from({ length: layers }, (_, index) => layerName(index)).join(':');
  if (`lowerdir=${lowerDirs}`.length > optionBytesMax) return null;
  return `nosuid,nodev,index=off,userxattr,lowerdir=${lowerDirs},upperdir=u_,workdir=w_`;
}

/**
 * `env` (ignore signals) → `sudo` → `env -i` (empty environment) → `unshare` (mount namespace) → `sh` (lease, images, mounts, limits) →
 * `env` (block signals) → `setpriv` (the user again) → `perl` (environment; stays as monitor) → `env` (unblock signals) → the command. sudo
 * stays too, and passes signals to the monitor. sudo and sh unblock signals and would die of one, so signals are ignored before them. An
 * ignored signal also reached this process, which sends it on. Returns null if the layers do not fit into an option.
 */
export function sudoChain(options: SudoChainOptions): Omit<Chain, 'inputs'> | null {
  const { tools, caller, mounts, marker, leaseFile } = options;
  const overlays: string[] = [];
  for (const { links, target, layers } of mounts) {
    const mountOptions = layers === null ? bindOption : overlayOptions(layers);
    if (mountOptions === null) return null;
    overlays.push(links, target, mountOptions);
  }
  const { uid, gid, groups, limits } = caller;
  const clean = [tools.env, '-i', `PATH=${systemPath}`, 'LC_ALL=C'];
  // Like bubblewrap: later mounts and unmounts on the host reach the command, not the reverse.
  const namespace = [tools.unshare, '--mount', '--propagation', 'slave', '--'];
  const files = [options.status, options.plan, options.images ?? '', leaseFile ?? ''];
  const stage = [tools.sh, '-c', rootStage, 'cachelane', ...files, marker];
  const stageOptions = [`${uid}:${gid}`, limits.join(' ')];
  const holding = [tools.env, `--block-signal=${held}`, '--'];
  const supplementary = groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`;
  const user = [tools.setpriv, `--reuid=${uid}`, `--regid=${gid}`, supplementary, '--', tools.perl, '-e', userStage];
  const root = [...clean, ...namespace, ...stage, ...stageOptions, ...overlays, '--', ...holding, ...user];
  const sudo = uid === 0 ? [] : [tools.sudo, '-n', '--'];
  return {
    file: tools.env,
    args: [`--ignore-signal=${held}`, '--', ...sudo, ...root],
    env: { PATH: systemPath, LC_ALL: 'C' },
  };
}

export interface PlanOptions {
  readonly tools: Pick<SudoTools, 'env' | 'nice'>;
  readonly request: Pick<RunRequest, 'argv' | 'cwd' | 'env'>;
  readonly ignored: readonly HeldSignal[];
  readonly umask: number;
}

/** Returns the user's part of the request; each word ends with a NUL. */
export function planText({ tools, request, ignored, umask }: PlanOptions): string {
  const env: Record<string, string> = { ...request.env };
  const set: Record<string, string> = {};
  // They would affect `env` too, so only the command gets them.
  for (const variable of linkerVariables) {
    const value = env[variable];
    if (value === undefined) continue;
    set[variable] = value;
    delete env[variable];
  }
  const command = envCommand(tools, { argv: request.argv, ignored, set, unset: [] });
  const words = [request.cwd, umask.toString(8), String(command.length), ...command];
  words.push(...Object.entries(env).map(([name, value]) => `${name}=${value}`));
  return words.map((word) => `${word}\0`).join('');
}

export const linkedMount = (mount: Mount, links: string): LinkedMount => ({
  target: mount.target,
  links,
  layers: mount.kind === 'overlay' ? mount.lowerDirs.length : null,
});
