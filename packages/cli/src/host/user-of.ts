import type { Host } from './host.ts';

/** Who says something that others ask about later. */
export function userOf({ env, effectiveUid }: Pick<Host, 'env' | 'effectiveUid'>): string {
  return env['USER'] ?? env['LOGNAME'] ?? `uid ${effectiveUid}`;
}
