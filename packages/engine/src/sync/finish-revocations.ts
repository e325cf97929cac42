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
 * Removes revoked runs from the heads that a run is about to read, in case the revoking process died first. Does not ask the remote for
 * what squashes replaced: those squashes leave the head until the next pull.
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
        deps.events(warningOf(error, `${request.name} may still have entries of a revoked run: ${error.message}`));
      }
    }
  }
}
