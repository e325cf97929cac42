import { AskedVolumes } from './asked-volumes.ts';
import { EntryCache } from './entry-cache.ts';
import { answerError, executeOperation, type Answer, type Operation } from './execute.ts';
import type { ProjectPlace, World } from './world.ts';

/** Who asks, as the endpoint found out. */
export interface CallerPlace extends ProjectPlace {
  /** See `Caller`. */
  readonly isConfined: boolean;
}

/** One engine's API, whatever carries the documents to it. */
export interface Api {
  /** Never throws: whatever goes wrong is in the answer. */
  execute(operation: Operation, caller: CallerPlace, signal: AbortSignal): Promise<Answer>;
}

export function openApi(world: World): Api {
  const entries = new EntryCache();
  const asked = new AskedVolumes();
  return {
    async execute(operation, { isConfined, ...place }, signal) {
      try {
        const caller = { project: await world.openProject(place), isConfined };
        return await executeOperation(operation, { world, caller, entries, asked, signal });
      } catch (thrown) {
        return { errors: [answerError(thrown)] };
      }
    },
  };
}
