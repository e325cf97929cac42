import { CachelaneError, unreachable, type NodeSignal } from '@cachelane/core';

/** Exit codes, which scripts match on. A run exits with its command's code. */
export const exitCodes = {
  ok: 0,
  /** Not found, a failed check, or an internal failure. */
  failure: 1,
  usage: 2,
  /** `run`, `shell` and `serve -- COMMAND` only: wrong usage, or a failure of cachelane under `--strict`. Like `env`, `timeout` and `docker run`. */
  ownFailureInRun: 125,
} as const;

/** `run` stands for `run`, `shell` and `serve -- COMMAND`. */
export type Verb = 'run' | 'other';

/** Returns the exit code of an error. */
export function exitCodeOf(error: unknown, verb: Verb): number {
  if (verb === 'run') return exitCodes.ownFailureInRun;
  if (!(error instanceof CachelaneError)) return exitCodes.failure;
  switch (error.code) {
    case 'E_USAGE':
    case 'E_NAMESPACE':
    case 'E_VOLUME':
    case 'E_CATALOG':
      return exitCodes.usage;
    case 'E_ABORTED':
      return exitCodeOfSignal('SIGINT');
    case 'E_CONFIG':
    case 'E_MOUNT_POINT':
    case 'E_MOUNT':
    case 'E_NO_MOUNTER':
    case 'E_HOME_OWNER':
    case 'E_HOME_UNUSABLE':
    case 'E_STORE_NEWER':
    case 'E_STORE_CORRUPT':
    case 'E_STORE_BUSY':
    case 'E_DISK_FULL':
    case 'E_LAYER_MISSING':
    case 'E_LAYER_CORRUPT':
    case 'E_LAYER_REFUSED':
    case 'E_HEAD_MOVED':
    case 'E_LOCKED':
    case 'E_LIMIT':
    case 'E_QUOTA':
    case 'E_REMOTE_GONE':
    case 'E_REMOTE_BUSY':
    case 'E_REMOTE_UNKNOWN':
    case 'E_REMOTE_DENIED':
    case 'E_REMOTE_READ_ONLY':
    case 'E_REMOTE_FULL':
    case 'E_REMOTE_UNFIT':
    case 'E_OBJECT_CORRUPT':
    case 'E_ENGINE_BUSY':
    case 'E_ENGINE_DENIED':
    case 'E_ENGINE_GONE':
    case 'E_SESSION_GONE':
    case 'E_NOT_SAVED':
    case 'E_GRANT':
    case 'E_NOT_FOUND':
    case 'E_COMMAND':
    case 'E_INTERNAL':
      return exitCodes.failure;
    default:
      return unreachable(error.code);
  }
}

const signalNumbers: Readonly<Record<NodeSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/** Returns 128 + n, the code with which shells report a signal. */
export function exitCodeOfSignal(signal: NodeSignal): number {
  return 128 + signalNumbers[signal];
}
