import type { Host } from './host.ts';

export function userOf({ env, effectiveUid }: Host): string {
  return env['USER'] ?? env['LOGNAME'] ?? `uid ${effectiveUid}`;
}
