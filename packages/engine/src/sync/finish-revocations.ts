import { warningOf, asCachelaneError, type RunId } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import { findVolume } from '../volumes/find-volume.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { heedRevocations } from './revocations/heed-revocations.ts';

export interface RunToBegin {
  readonly planned: readonly PlannedVolume[];
  readonly run: RunId;
}

/**
 * Takes revoked runs out of what a run is about to read, where a revocation that is written down did not get to it: who wrote it died, and nobody is to find any of it meanwhile. What only a remote has of squashes is
 * not asked for; those leave the head until the next pull, which takes them apart.
 */
export async function finishRevocations(
  deps: EngineDependencies,
  { signal, strict }: Pick<RunCommandRequest, 'signal' | 'strict'>,
  { planned, run: by }: RunToBegin,
): Promise<void> {
  const { metadata } = deps;
  if ((await metadata.revokedRuns('all', signal)).length === 0) return;
  for (const { chain, request, compat } of planned) {
    for (const { namespace, lane } of chain) {
      const volume = await findVolume(metadata, { namespace, name: request.name, compat }, signal);
      if (volume === undefined) continue;
      const name = { namespace, volume: request.name, compat, lane };
      const place = { volumeId: volume.id, namespaceId: volume.namespaceId, name };
      try {
        await heedRevocations({ ...deps, remote: null }, { place, tool: volume.tool, by, manifest: null }, signal);
      } catch (thrown) {
        if (strict || signal.aborted) throw thrown;
        const error = asCachelaneError(thrown);
        deps.events(warningOf(error, `${request.name} may have something of a revoked run: ${error.message}`));
      }
    }
  }
}
