import { asCachelaneError, CachelaneError, type Remote } from '@cachelane/core';
import type { PushMode } from '@cachelane/engine';
import { chooseRemote, noRemoteText, type RemoteChoice, type RemoteProblem } from './choose-remote.ts';
import type { Host } from '../host/host.ts';
import type { RemoteFlags } from './remote-flags.ts';

export interface RemoteWish {
  readonly flags: RemoteFlags;
  /** Throws problems instead of reporting them. */
  readonly strict: boolean;
  readonly warn: (problem: RemoteProblem) => void;
}

/** The remote for the engine. The opener disposes of it. */
export interface ChosenRemote extends AsyncDisposable {
  readonly remote: Remote | null;
  readonly pushMode: PushMode;
  readonly waitMs: number;
  readonly choice: RemoteChoice;
}

/** Loads no remote code without a remote. Connects on first use. */
export async function openChosenRemote(host: Host, wish: RemoteWish): Promise<ChosenRemote> {
  const choice = await chooseRemote(host, wish.flags);
  for (const problem of choice.problems) tell(wish, problem);
  const remote = choice.address === null ? null : await open(host, wish, choice.address);
  return {
    remote,
    pushMode: remote === null ? 'never' : choice.pushMode,
    waitMs: choice.waitMs,
    choice,
    [Symbol.asyncDispose]: async () => await remote?.[Symbol.asyncDispose](),
  };
}

async function open({ pieces, clock, random }: Host, wish: RemoteWish, address: string): Promise<Remote | null> {
  try {
    return await pieces.openRemote({ address, clock, random });
  } catch (error) {
    tell(wish, { error: asCachelaneError(error), consequence: 'nothing is shared with other machines' });
    return null;
  }
}

function tell({ strict, warn }: RemoteWish, problem: RemoteProblem): void {
  if (strict) throw problem.error;
  warn(problem);
}

/** For a command that needs a remote. Throws E_USAGE. */
export function requireRemote({ remote, choice }: ChosenRemote): Remote {
  if (remote !== null) return remote;
  throw new CachelaneError('E_USAGE', noRemoteText(choice), {
    hint: 'name one with --remote, CACHELANE_REMOTE, or remote: in your configuration',
  });
}
