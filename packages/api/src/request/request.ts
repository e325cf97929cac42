import type { AskedVolumes } from './asked-volumes.ts';
import type { Caller } from './caller.ts';
import type { Clients } from './clients.ts';
import type { EndedForks } from './ended-forks.ts';
import type { EntryCache } from './entry-cache.ts';
import type { Readings } from './readings.ts';
import type { ProjectPlace, World } from './world.ts';

/** What resolvers need to answer one request. */
export interface ApiRequest {
  readonly world: World;
  readonly caller: Caller;
  /** The place where the engine was started. */
  readonly own: ProjectPlace;
  readonly clients: Clients;
  readonly entries: EntryCache;
  readonly ended: EndedForks;
  readonly readings: Readings;
  readonly asked: AskedVolumes;
  readonly signal: AbortSignal;
}
