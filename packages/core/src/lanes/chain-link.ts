import type { Namespace } from '../names/namespace.ts';
import type { LaneName } from './lane.ts';

/** A lane of a namespace, as a read chain lists it. */
export interface ChainLink {
  readonly namespace: Namespace;
  readonly lane: LaneName;
}
