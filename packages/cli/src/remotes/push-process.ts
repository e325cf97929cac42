import { join } from 'node:path';
import { startBackground } from './background-process.ts';
import type { PushProcess } from '../host/pieces.ts';

/** Log of background pushes since a run last reported it; empty if all succeeded. */
export function pushLog(homeDir: string): string {
  return join(homeDir, 'push.log');
}

/**
 * Starts a `cachelane push` that outlives this process. The remote and its credentials are passed in the environment, since other users can
 * read arguments.
 */
export function startPush({ address, env, ...process }: PushProcess): void {
  const log = pushLog(process.homeDir);
  startBackground({ ...process, words: ['push', '--quiet'], log, env: { ...env, CACHELANE_REMOTE: address } });
}
