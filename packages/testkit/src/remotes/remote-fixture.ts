import { limits, type Remote, type RemoteKey } from '@cachelane/core';

/** An empty remote for one test. */
export interface RemoteFixture extends AsyncDisposable {
  /** A handle as one machine has it; several handles see one remote. The test disposes of it. */
  open(): Promise<Remote>;
  /** Makes the state of a head, or the note that a removed one left, something that nobody wrote. */
  damageHead(key: RemoteKey, damage: HeadDamage): Promise<void>;
}

/** What a crash leaves, what a disk does, what another program writes. */
export type HeadDamage = 'emptied' | 'cut' | 'changed' | 'replaced';

/** The bytes of a state after such an accident. */
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
