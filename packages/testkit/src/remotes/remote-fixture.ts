import { limits, type Remote, type RemoteKey } from '@cachelane/core';

/** An empty remote for one test. */
export interface RemoteFixture extends AsyncDisposable {
  /** Opens a handle, like another machine with the same remote. The test disposes of it. */
  open(): Promise<Remote>;
  /** Damages a head, or the note of a removed one. */
  damageHead(key: RemoteKey, damage: HeadDamage): Promise<void>;
}

/** Damage by a crash, a disk or another program. */
export type HeadDamage = 'emptied' | 'cut' | 'changed' | 'replaced';

/** Returns the bytes of a state after such damage. */
export function damaged(encoded: Uint8Array, damage: HeadDamage): Uint8Array {
  switch (damage) {
    case 'emptied':
      return new Uint8Array();
    case 'cut':
      return encoded.subarray(0, encoded.length >> 1);
    case 'changed':
      return encoded.with(encoded.length - 1, (encoded.at(-1) ?? 0) ^ 1);
    case 'replaced':
      return new TextEncoder().encode(`<html>${'x'.repeat(2 * limits.remoteHeadBytes)}</html>`);
  }
}

export type RemoteFactory = () => Promise<RemoteFixture>;
