import { CachelaneError, isCachelaneError, limits } from '@cachelane/core';
import { pushModes, type PushMode } from '@cachelane/engine';
import { parseSeconds } from '../base/choice-argument.ts';
import type { Host } from '../host/host.ts';

interface RemoteOptionTable {
  readonly remote: { readonly value: 'ADDRESS'; readonly help: string };
  readonly 'no-remote': { readonly help: string };
  readonly push: { readonly value: 'WHEN'; readonly choices: typeof pushModes; readonly help: string };
}

/** Options of every command that works with a remote. */
export const remoteOptions: RemoteOptionTable = {
  remote: {
    value: 'ADDRESS',
    help: 'share with other machines through this place: dir:/path, or s3://bucket/prefix',
  },
  'no-remote': { help: 'share with nobody, whatever CACHELANE_REMOTE or your configuration says' },
  push: {
    value: 'WHEN',
    choices: pushModes,
    help: 'when what was saved is sent to the remote: before the command returns, by a process that it leaves behind, or not at all',
  },
};

interface SyncOptionTable extends RemoteOptionTable {
  readonly 'remote-timeout': { readonly value: 'SECONDS'; readonly help: string };
}

/** Options of every command that waits for a remote to send and to take layers. */
export const syncOptions: SyncOptionTable = {
  ...remoteOptions,
  'remote-timeout': {
    value: 'SECONDS',
    help: `how long to wait for the remote at the start, and again at the end; ${limits.remoteWaitMs / 1000} by default`,
  },
};

/** Options of commands that use a remote and push nothing. */
export const whichRemote: Omit<RemoteOptionTable, 'push'> = (({ push: _, ...which }) => which)(remoteOptions);

/** Options of commands that cannot do without a remote. */
export const someRemote: Pick<RemoteOptionTable, 'remote'> = { remote: remoteOptions.remote };

/** What the flags said, checked. */
export interface RemoteFlags {
  /** In its one spelling; null: there is to be none; undefined: nothing was said. */
  readonly address: string | null | undefined;
  readonly push: PushMode | undefined;
  readonly waitMs?: number | undefined;
}

interface RemoteFlagValues {
  readonly remote: string | undefined;
  readonly 'no-remote'?: boolean;
  readonly push?: PushMode | undefined;
  readonly 'remote-timeout'?: string | undefined;
}

export function isNoRemote(text: string): boolean {
  return text === '' || text.toLowerCase() === 'none';
}

/** No time at all would be a remote that never answers. Errors: E_USAGE. */
export function parseWait(source: string, text: string | undefined): number | undefined {
  const waitMs = parseSeconds(source, text);
  if (waitMs !== 0) return waitMs;
  throw new CachelaneError('E_USAGE', `${source} must be more than 0 seconds`, {
    hint: 'to wait for no remote, use --no-remote or CACHELANE_REMOTE=none',
  });
}

/** Errors: E_USAGE. */
export async function parseRemoteFlags(
  { pieces }: Host,
  { remote, 'no-remote': isNone = false, push, 'remote-timeout': timeout }: RemoteFlagValues,
): Promise<RemoteFlags> {
  const rest = { push, waitMs: parseWait('--remote-timeout', timeout) };
  if (remote === undefined) return { address: isNone ? null : undefined, ...rest };
  if (isNone)
    throw new CachelaneError('E_USAGE', '--remote and --no-remote exclude each other', { hint: 'use one of them' });
  if (isNoRemote(remote)) {
    throw new CachelaneError('E_USAGE', `--remote ${JSON.stringify(remote)} names no remote`, {
      hint: 'use --no-remote',
    });
  }
  try {
    return { address: await pieces.nameRemote(remote), ...rest };
  } catch (error) {
    if (!isCachelaneError(error, 'E_CONFIG')) throw error;
    throw new CachelaneError('E_USAGE', `--remote: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}
