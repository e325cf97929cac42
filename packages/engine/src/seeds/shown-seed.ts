import { seedLane, seedText, type PinnedLink, type VolumeSeed } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { VolumeRequest } from '../model/volume-request.ts';

function seedOf(links: readonly PinnedLink[]): string {
  return links.find(({ lane }) => lane === seedLane)?.layers.join() ?? '';
}

interface Shown {
  readonly request: Pick<VolumeRequest, 'name' | 'seed'>;
  /** What the session pinned. */
  readonly own: readonly PinnedLink[];
  /** What the command sees. */
  readonly links: readonly PinnedLink[];
}

/** Returns the seed that the command sees; null if it failed, is empty, or a shared directory shows other contents. */
export function shownSeed({ request: { seed }, own, links }: Shown): VolumeSeed | null {
  const shown = seedOf(links);
  return shown !== '' && seedOf(own) === shown ? seed : null;
}

/** Warns a client that requested a seed but does not get it. */
export function tellOtherSeed(deps: Pick<EngineDependencies, 'events'>, shown: Shown): void {
  const { name, seed } = shown.request;
  if (seed === null || seedOf(shown.own) === '' || shownSeed(shown) !== null) return;
  const message = `${name} shares a directory with other runs and is not seeded from ${seedText(seed)}`;
  deps.events({ type: 'warning', code: 'E_VOLUME', message, hint: 'use sharing PRIVATE' });
}
