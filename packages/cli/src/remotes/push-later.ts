import type { VolumeReport } from '@cachelane/core';
import { takeLog } from './background-process.ts';
import type { Host } from '../host/host.ts';
import type { ChosenRemote } from './open-chosen-remote.ts';
import { pushLog } from './push-process.ts';

export interface LaterPush {
  readonly shared: ChosenRemote;
  readonly homeDir: string;
  readonly reports: readonly VolumeReport[];
  /** Called when that process has ended, if this one is still alive. */
  readonly onEnd?: () => void;
}

/** Starts a background push if the run has something to push; it also retries earlier failures. Returns whether it did. */
export async function pushLater(
  { program, env, pieces }: Host,
  { shared: { pushMode, choice }, homeDir, reports, onEnd }: LaterPush,
  warn: (message: string) => void,
): Promise<boolean> {
  const { address } = choice;
  if (pushMode !== 'background' || address === null || reports.every(({ sync }) => sync?.pushed !== 'later'))
    return false;
  const told = takeLog(pushLog(homeDir), {
    failed: 'the last background push failed; the next run of the lane or cachelane push retries it',
    warned: 'the last background push',
  });
  if (told !== null) warn(told);
  try {
    await pieces.startPush({ program, homeDir, address, env, ...(onEnd === undefined ? {} : { onEnd }) });
    return true;
  } catch (error) {
    // The command has ended, and its changes are saved.
    const why = error instanceof Error ? error.message : String(error);
    warn(`no background push was started; a later run pushes everything: ${why}`);
    return false;
  }
}
