import { CachelaneError, warningOf, type AttachedVolume } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';

/** Warns about processes of an earlier run that still use a kept directory. */
export function tellPassedOver(
  deps: EngineDependencies,
  { request }: PlannedVolume,
  { passedOver }: AttachedVolume,
): void {
  if (passedOver.length === 0) return;
  const names = passedOver.map(({ name, pid }) => `${name} (${pid})`).join(', ');
  const error = new CachelaneError(
    'E_LOCKED',
    `${request.name}: ${names} outlived an earlier run and may still write to its directory; this run uses another one`,
    { hint: 'end these processes to use the directory again' },
  );
  deps.events(warningOf(error));
}
