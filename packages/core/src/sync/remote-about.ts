import { CachelaneError } from '../base/errors.ts';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { RemoteId } from '../ports/metadata/sync-store.ts';

const format = 'cachelane-remote';
const version = 1;

/** Returns a new remote id. `random` must hold 16 bytes. */
export function newRemoteId(random: Uint8Array): RemoteId {
  const hex = bytesToHex(random.subarray(0, 16));
  return hex as RemoteId;
}

/** Returns the object that the first writer stores in a remote to identify it. */
export function encodeAbout(id: RemoteId): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format, version, id }));
}

/** Parses that object. Throws E_OBJECT_CORRUPT, and E_REMOTE_UNFIT for the layout of a later version. */
export function decodeAbout(bytes: Uint8Array): RemoteId {
  const found = read(bytes);
  if (found.format !== format) throw corrupt();
  if (typeof found.version === 'number' && found.version > version) {
    throw new CachelaneError(
      'E_REMOTE_UNFIT',
      `the remote has layout version ${found.version}; this cachelane knows version ${version}`,
      {
        hint: 'use a later version of cachelane',
      },
    );
  }
  if (found.version !== version || typeof found.id !== 'string' || !/^[0-9a-f]{32}$/.test(found.id)) throw corrupt();
  return found.id as RemoteId;
}

function read(bytes: Uint8Array): { readonly format?: unknown; readonly version?: unknown; readonly id?: unknown } {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null ? value : {};
  } catch (cause) {
    throw corrupt(cause);
  }
}

function corrupt(cause?: unknown): CachelaneError {
  return new CachelaneError('E_OBJECT_CORRUPT', 'the identity of the remote is not valid', {
    hint: 'check the prefix; if it is right, cachelane verify remote --repair removes the identity',
    cause,
  });
}
