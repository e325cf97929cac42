import type { NamespaceId } from '../base/ids.ts';
import type { TrustLevel } from '../lanes/lane.ts';
import type { VolumeName } from '../names/volume.ts';
import type { Grantee } from './grantee.ts';

/** `write` includes `read`. */
export const grantAccesses = ['read', 'write'] as const;
export type GrantAccess = (typeof grantAccesses)[number];

/** That others may use volumes of a namespace. */
export interface GrantRecord {
  /** Whose volumes they are. */
  readonly ownerId: NamespaceId;
  /** Null: all that it has, now and later. */
  readonly volume: VolumeName | null;
  readonly to: Grantee;
  readonly access: GrantAccess;
  /** Of the lanes that may write; no other level may. It says nothing of reading. */
  readonly trust: TrustLevel;
  readonly atMs: number;
  /** Who said so, for people. */
  readonly by: string;
}
