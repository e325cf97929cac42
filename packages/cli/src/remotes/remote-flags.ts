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
    help: 'share with other machines through dir:/path or s3://bucket/prefix',
  },
  'no-remote': { help: 'use no remote, whatever CACHELANE_REMOTE or your configuration says' },
  push: {
    value: 'WHEN',
    choices: pushModes,
    help: 'when to push saved layers (wait: before the command returns)',
  },
};

interface SyncOptionTable extends RemoteOptionTable {
  readonly 'remote-timeout': { readonly value: 'SECONDS'; readonly help: string };
}

/** Options of every command that pushes and pulls. */
export const syncOptions: SyncOptionTable = {
  ...remoteOptions,
  'remote-timeout': {
    value: 'SECONDS',
    help: `how long to wait for the remote at the start, and again at the end; default: ${limits.remoteWaitMs / 1000}`,
  },
};

/** Options of commands that use a remote without pushing. */
export const whichRemote: Omit<RemoteOptionTable, 'push'> = (({ push: _, ...which }) => which)(remoteOptions);

/** Options of commands that require a remote. */
export const someRemote: Pick<RemoteOptionTable, 'remote'> = { remote: remoteOptions.remote };

/** The checked flags. */
export interface RemoteFlags {
  /** The normalized address; null for no remote; undefined without a flag. */
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

/** Zero is refused, since the remote would never answer in time. Errors: E_USAGE. */
export function parseWait(source: string, text: string | undefined): number | undefined {
  const waitMs = parseSeconds(source, text);
  if (waitMs !== 0) return waitMs;
  throw new CachelaneError('E_USAGE', `${source} must be more than 0 seconds`, {
    hint: 'to use no remote, pass --no-remote or set CACHELANE_REMOTE=none',
  });
}

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
