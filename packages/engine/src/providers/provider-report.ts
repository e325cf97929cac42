import { providerText, seedText, type ProviderReport, type VolumeSeed } from '@cachelane/core';
import type { VolumeRequest } from '../model/volume-request.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';

/** Returns the name under which the volume was requested. */
export function shownName({ name, provided }: Pick<VolumeRequest, 'name' | 'provided'>): string {
  return provided?.as ?? name;
}

/** Returns null without a provider. `seed`: what lies below the volume, if available. */
export function providerReport(
  planned: Pick<PlannedVolume, 'request' | 'own'>,
  seed: VolumeSeed | null = planned.request.seed,
): ProviderReport | null {
  const { request } = planned;
  if (request.provided === undefined) return unprovided(request);
  const { backing } = request.provided;
  return { ...named(request), kind: backing.kind, gives: givesText(planned, seed) };
}

/** For a provider that failed. */
export function unprovided(request: VolumeRequest): ProviderReport | null {
  return request.provider === undefined ? null : { ...named(request), kind: null, gives: null };
}

function named({ provider }: VolumeRequest): Pick<ProviderReport, 'provider' | 'chosenBy'> {
  return {
    provider: provider === undefined ? '' : providerText(provider.ref),
    chosenBy: provider?.source ?? '',
  };
}

/** Describes what the command finds. */
function givesText({ request, own }: Pick<PlannedVolume, 'request' | 'own'>, seed: VolumeSeed | null): string {
  const backing = request.provided?.backing ?? { kind: 'volume' };
  if (backing.kind === 'directory') return `directory ${backing.directory}`;
  if (backing.kind === 'nothing') return 'an empty directory';
  const below = seed === null ? '' : ` above what is in ${seedText(seed)}`;
  const note = request.provided?.note === undefined ? '' : ` (${request.provided.note})`;
  return `volume ${own.namespace}:${request.name}${below}${note}`;
}
