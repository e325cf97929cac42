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

/** The ports of the engine, assembled in a composition root. */
export interface EngineDependencies {
  readonly metadata: Metadata;
  readonly layers: LayerStore;
  readonly transfers: TransferFiles;
  /** Null: layers are not shared. */
  readonly remote: Remote | null;
  readonly mounters: Mounters;
  readonly runtime: Runtime;
  readonly leases: LeaseStore;
  readonly seeds: Seeds;
  readonly clock: Clock;
  readonly random: Random;
  readonly tools: readonly Tool[];
  /** Absent: there are no providers, and volumes that need one are left out. */
  readonly providers?: Providers;
  /** The policy of the user's own file. */
  readonly policy?: StatedPolicy;
  readonly bootId: string;
  readonly events: EventSink;
}
