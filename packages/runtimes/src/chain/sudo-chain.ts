import type { Mount, RunRequest } from '@cachelane/core';
import { type Chain, envCommand, type HeldSignal, heldSignals, linkerVariables } from './chain.ts';
import { bindOption, rootStage, userStage } from './sudo-stages.ts';
import { systemPath, type SudoTools } from './sudo-tools.ts';

/** Whom root's part gives the command back to. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  readonly umask: number;
  /** Options of prlimit(1), each a plain word: sudo changes some limits, PAM others. */
  readonly limits: readonly string[];
}

export interface LinkedMount {
  readonly target: string;
  /**
   * Holds links to the layers, named by {@link layerName}, and to the upper and the work directory, `u_` and `w_`; or to the
   * directory that is bound, `b_`.
   */
  readonly links: string;
  /** Null: a directory that is bound. */
  readonly layers: number | null;
}

export interface SudoChainOptions {
  readonly tools: SudoTools;
  readonly caller: Caller;
  readonly mounts: readonly LinkedMount[];
  readonly leaseFile: string | null;
  readonly marker: string;
  /** Paths under which root can open our files without names. */
  readonly status: string;
  readonly plan: string;
  /** The table of images to mount; null: none. */
  readonly images: string | null;
}

const held = heldSignals.join(',');

/** mount(8) hands options to the kernel one by one, and the kernel takes 255 bytes of each. */
const optionBytesMax = 255;

export const layerName = (index: number): string => index.toString(36);

/**
 * By names of links in the folder that mount(8) stands in: commas, colons, backslashes and quotes in the real paths would
 * each have to be escaped for mount(8) and for the kernel, in ways that changed over the years, and long ones do not fit.
 * `userxattr`: the marks of this mount are then those of a mount by an ordinary user, which is who collects them; and only
 * those can an ordinary user have put on the layers. It turns redirects and metacopy off. `nosuid,nodev`: what an overlay shows has
 * its rights by the overlay's mount, whatever the mount of an image says. Null where there are too many layers.
 */
export function overlayOptions(layers: number): string | null {
  const lowerDirs = Array.from({ length: layers }, (_, index) => layerName(index)).join(':');
  if (`lowerdir=${lowerDirs}`.length > optionBytesMax) return null;
  return `nosuid,nodev,index=off,userxattr,lowerdir=${lowerDirs},upperdir=u_,workdir=w_`;
}

/**
 * `env` (ignore the signals) → `sudo` → `env -i` (nothing of the user's environment) → `unshare` (mount namespace) → `sh`
 * (lease, images, mounts, limits) → `env` (hold the signals) → `setpriv` (the user again) → `perl` (the environment; stays as
 * monitor) → `env` (free the signals) → the command. sudo stays too, and passes signals on to the monitor. In front the
 * signals are ignored, not held: sudo and sh free held ones, and would die of one before there is a command. What is lost
 * that way came to us as well, and we send it on. Null when there are more layers than fit into an option.
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
  // As bubblewrap does it: what is mounted and unmounted on the host later is so for the command, not the other way round.
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

/** What the user's part needs to know of the request; each word is ended by a NUL. */
export function planText({ tools, request, ignored, umask }: PlanOptions): string {
  const env: Record<string, string> = { ...request.env };
  const set: Record<string, string> = {};
  // They act on `env` as well, and are meant for the command.
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
