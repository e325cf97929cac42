import { asCachelaneError, warningOf, type LayerId } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import { isDamage } from '../base/is-damage.ts';
import type { Scrutiny } from '../heads/damaged-layers.ts';
import type { VolumeSession } from './volume-session.ts';

/** Returns the layers that the runtime would mount from images. */
export function mountedImages(attached: readonly VolumeSession[]): readonly LayerId[] {
  const layers = attached.flatMap(({ attached: { mount }, view }) => (mount.kind === 'overlay' ? view.layers : []));
  return [...new Set(layers.flatMap(({ key, image }) => (image === null ? [] : [key as LayerId])))];
}

/** Extracts layers whose images could not be mounted (`reason`). Returns how closely to check layers when composing again; null if extracting failed. */
export async function extractImages(
  deps: EngineDependencies,
  { signal, strict }: RunCommandRequest,
  { ids, reason }: { readonly ids: readonly LayerId[]; readonly reason: string },
): Promise<Scrutiny | null> {
  deps.events({ type: 'extracting', layers: ids.length, reason });
  let scrutiny: Scrutiny = 'glance';
  for (const id of ids) {
    try {
      await deps.layers.extract(id, signal);
    } catch (thrown) {
      // Damage may be why mounting failed. The other layers are still useful.
      if (isDamage(thrown)) {
        scrutiny = 'read';
        continue;
      }
      if (strict || signal.aborted) throw thrown;
      deps.events(warningOf(asCachelaneError(thrown)));
      return null;
    }
  }
  return scrutiny;
}
