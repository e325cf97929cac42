import type {
  Clock,
  EventSink,
  LayerStore,
  LeaseStore,
  Metadata,
  Mounters,
  Providers,
  Random,
  Remote,
  Runtime,
  StatedPolicy,
  Tool,
  TransferFiles,
} from '@cachelane/core';
import type { Seeds } from './seeds.ts';

/** Everything the engine needs from outside; assembled in a composition root. */
export interface EngineDependencies {
  readonly metadata: Metadata;
  readonly layers: LayerStore;
  readonly transfers: TransferFiles;
  /** Where layers are shared with other machines; null: nowhere. */
  readonly remote: Remote | null;
  readonly mounters: Mounters;
  readonly runtime: Runtime;
  readonly leases: LeaseStore;
  readonly seeds: Seeds;
  readonly clock: Clock;
  readonly random: Random;
  readonly tools: readonly Tool[];
  /** Left out: there are none, and a volume that is to have one is left out. */
  readonly providers?: Providers;
  /** What the person's own file says of how long things live and how large they may be; left out: nothing. */
  readonly policy?: StatedPolicy;
  readonly bootId: string;
  readonly events: EventSink;
}
