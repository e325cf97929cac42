import { seedLane, seedText, type PinnedLink, type VolumeSeed } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { VolumeRequest } from '../model/volume-request.ts';

function seedOf(links: readonly PinnedLink[]): string {
  return links.find(({ lane }) => lane === seedLane)?.layers.join() ?? '';
}

interface Shown {
  readonly request: Pick<VolumeRequest, 'name' | 'seed'>;
  /** What the session has pinned. */
  readonly own: readonly PinnedLink[];
  /** What the command finds. */
  readonly links: readonly PinnedLink[];
}

/** The seed that the command finds below all else; null also where it could not be had, or holds nothing. In a directory that others are at work in, or left work in, that is theirs, or none. */
export function shownSeed({ request: { seed }, own, links }: Shown): VolumeSeed | null {
  const shown = seedOf(links);
  return shown !== '' && seedOf(own) === shown ? seed : null;
}

/** A client that asked for a seed and finds others' contents must know. */
export function tellOtherSeed(deps: Pick<EngineDependencies, 'events'>, shown: Shown): void {
  const { name, seed } = shown.request;
  if (seed === null || seedOf(shown.own) === '' || shownSeed(shown) !== null) return;
  const message = `${name} is in a directory that runs share, as others found it, and not seeded from ${seedText(seed)}`;
  deps.events({ type: 'warning', code: 'E_VOLUME', message, hint: 'with sharing PRIVATE it is' });
}
