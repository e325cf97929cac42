import { providerText, seedText, type ProviderReport } from '@cachelane/core';
import type { VolumeRequest } from '../engine.ts';
import type { PlannedVolume } from '../volumes/plan.ts';

/** The name by which people asked for it. */
export function shownName({ name, provided }: Pick<VolumeRequest, 'name' | 'provided'>): string {
  return provided?.as ?? name;
}

/** Null: nobody chose a provider. */
export function providerReport(planned: Pick<PlannedVolume, 'request' | 'own'>): ProviderReport | null {
  const { request } = planned;
  if (request.provided === undefined) return unprovided(request);
  const { backing } = request.provided;
  return { ...named(request), kind: backing.kind, gives: givesText(planned) };
}

/** Of one that nothing came of. */
export function unprovided(request: VolumeRequest): ProviderReport | null {
  return request.provider === undefined ? null : { ...named(request), kind: null, gives: null };
}

function named({ provider }: VolumeRequest): Pick<ProviderReport, 'provider' | 'chosenBy'> {
  return {
    provider: provider === undefined ? '' : providerText(provider.ref),
    chosenBy: provider?.source ?? '',
  };
}

/** What the command finds, for people. */
function givesText({ request, own }: Pick<PlannedVolume, 'request' | 'own'>): string {
  const backing = request.provided?.backing ?? { kind: 'volume' };
  if (backing.kind === 'directory') return `directory ${backing.directory}`;
  if (backing.kind === 'nothing') return 'an empty directory';
  const seed = request.seed === null ? '' : ` above what is in ${seedText(request.seed)}`;
  return `volume ${own.namespace}:${request.name}${seed}`;
}
