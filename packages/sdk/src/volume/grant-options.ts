import type { ChangeOptions } from './call-options.ts';
import type { GrantAccess, TrustLevel } from '../generated/inputs.ts';
import type { Grant } from '../generated/results.ts';

export interface GrantOptions extends ChangeOptions {
  /** `READ` where it is left out. */
  readonly access?: GrantAccess | undefined;
  /** The level of lanes that may save; that of the program's own lane where it is left out, and none above it. */
  readonly trust?: TrustLevel | undefined;
}

export interface NamespaceOptions {
  /** Whose volumes they are; that of the program's project, or of {@link Engine.withNamespace}, where it is left out. */
  readonly namespace?: string | undefined;
}

/** What a namespace shares, and what others share with it. */
export interface Grants {
  readonly given: readonly Grant[];
  readonly received: readonly Grant[];
}
