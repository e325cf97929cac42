import { asCachelaneError, isProviderKind, type ProviderKind } from '@cachelane/core';
import type { VolumeRequest } from '../model/volume-request.ts';
import { provideVolume, requireChoosable, type ProvideDependencies, type Providing } from './provide-volume.ts';

/** What a run here would find of a volume with a provider, as far as the store can tell. */
export type Foreseen =
  /** `request`: for the found volume; null: it is not available. */
  | { readonly kind: 'volume'; readonly request: VolumeRequest | null; readonly problem: string | null }
  | { readonly kind: 'directory' | 'nothing'; readonly problem: string | null }
  /** Only a run can tell. */
  | { readonly kind: null; readonly problem: string | null };

/** `request`: another volume; `own`: the requested one, above something. */
const finds: Readonly<Record<ProviderKind, 'request' | 'own' | 'directory' | 'nothing'>> = {
  project: 'request',
  catalog: 'request',
  host: 'own',
  oci: 'own',
  dir: 'directory',
  'docker-volume': 'directory',
  none: 'nothing',
};

/** Answers without fetching images or running other programs. Returns null if the volume has no provider. */
export async function foreseeProvided(
  deps: ProvideDependencies,
  place: Providing,
  request: VolumeRequest,
  signal: AbortSignal,
): Promise<Foreseen | null> {
  const { provider: choice } = request;
  if (choice === undefined) return null;
  const { kind } = choice.ref;
  const found = isProviderKind(kind) ? finds[kind] : null;
  try {
    requireChoosable(place.context, request, choice);
    if (found === 'request') {
      return { kind: 'volume', request: await provideVolume(deps, place, request, signal), problem: null };
    }
    return found === 'own' ? { kind: 'volume', request, problem: null } : { kind: found, problem: null };
  } catch (thrown) {
    signal.throwIfAborted();
    const problem = asCachelaneError(thrown).message;
    return found === 'own' || found === 'request'
      ? { kind: 'volume', request: null, problem }
      : { kind: found, problem };
  }
}
