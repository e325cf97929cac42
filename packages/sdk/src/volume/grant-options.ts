import type { ChangeOptions } from './call-options.ts';
import type { GrantAccess, TrustLevel } from '../generated/inputs.ts';
import type { Grant } from '../generated/results.ts';

export interface GrantOptions extends ChangeOptions {
  /** The default is `READ`. */
  readonly access?: GrantAccess | undefined;
  /** The trust level that lanes need to save. The default, and the maximum, is the level of the program's own lane. */
  readonly trust?: TrustLevel | undefined;
}

export interface NamespaceOptions {
  /** The owner. The default is the program's project, or the namespace of {@link Engine.withNamespace}. */
  readonly namespace?: string | undefined;
}

/** The grants of a namespace to others and of others to it. */
export interface Grants {
  readonly given: readonly Grant[];
  readonly received: readonly Grant[];
}
