import type { NamespaceId } from '../base/ids.ts';
import type { TrustLevel } from '../lanes/lane.ts';
import type { VolumeName } from '../names/volume.ts';
import type { Grantee } from './grantee.ts';

/** `write` includes `read`. */
export const grantAccesses = ['read', 'write'] as const;
export type GrantAccess = (typeof grantAccesses)[number];

/** Permission for others to use volumes of a namespace. */
export interface GrantRecord {
  /** The owner of the volumes. */
  readonly ownerId: NamespaceId;
  /** Null: all current and future volumes. */
  readonly volume: VolumeName | null;
  readonly to: Grantee;
  readonly access: GrantAccess;
  /** The level of the lanes that may write; no other level may. Does not limit reading. */
  readonly trust: TrustLevel;
  readonly atMs: number;
  /** Who granted it; display text. */
  readonly by: string;
}
