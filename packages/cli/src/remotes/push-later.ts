import type { VolumeReport } from '@cachelane/core';
import { takeLog } from './background-process.ts';
import type { Host } from '../host/host.ts';
import type { ChosenRemote } from './open-chosen-remote.ts';
import { pushLog } from './push-process.ts';

export interface LaterPush {
  readonly shared: ChosenRemote;
  readonly homeDir: string;
  readonly reports: readonly VolumeReport[];
  /** Told when that process has ended, if this one still lives then. */
  readonly onEnd?: () => void;
}

/** Where a run is to send in the background and has something to send, leaves a process behind that does; also what an earlier one could not send is tried again then. Returns whether it did. */
export async function pushLater(
  { program, env, pieces }: Host,
  { shared: { pushMode, choice }, homeDir, reports, onEnd }: LaterPush,
  warn: (message: string) => void,
): Promise<boolean> {
  const { address } = choice;
  if (pushMode !== 'background' || address === null || reports.every(({ sync }) => sync?.pushed !== 'later'))
    return false;
  const told = takeLog(pushLog(homeDir), {
    failed: 'the last push in the background failed, and the next run of the lane tries again, or cachelane push',
    warned: 'the last push in the background',
  });
  if (told !== null) warn(told);
  try {
    await pieces.startPush({ program, homeDir, address, env, ...(onEnd === undefined ? {} : { onEnd }) });
    return true;
  } catch (error) {
    // The command is over, and what it changed is saved.
    const why = error instanceof Error ? error.message : String(error);
    warn(`nothing is sent in the background, and all of it by a later run: ${why}`);
    return false;
  }
}
