import type { Host } from './host.ts';

/** Returns the name to record for a change. */
export function userOf({ env, effectiveUid }: Pick<Host, 'env' | 'effectiveUid'>): string {
  return env['USER'] ?? env['LOGNAME'] ?? `uid ${effectiveUid}`;
}
