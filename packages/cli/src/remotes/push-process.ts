import { join } from 'node:path';
import { startBackground } from './background-process.ts';
import type { PushProcess } from '../host/pieces.ts';

/** What pushes in the background wrote since a run last told it; empty where all went well. */
export function pushLog(homeDir: string): string {
  return join(homeDir, 'push.log');
}

/**
 * Leaves a `cachelane push` behind that goes on after this process has ended. The remote and its credentials reach it through the environment, which only
 * its user can read, and never through its arguments.
 */
export function startPush({ address, env, ...process }: PushProcess): void {
  const log = pushLog(process.homeDir);
  startBackground({ ...process, words: ['push', '--quiet'], log, env: { ...env, CACHELANE_REMOTE: address } });
}
