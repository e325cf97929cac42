import { CachelaneError } from '../base/errors.ts';
import { hexOf } from '../base/hex.ts';
import type { RemoteId } from '../ports/metadata/sync-store.ts';

const format = 'cachelane-remote';
const version = 1;

/** `random` must hold 16 bytes. */
export function newRemoteId(random: Uint8Array): RemoteId {
  const hex = hexOf(random.subarray(0, 16));
  return hex as RemoteId;
}

/** What the first writer leaves in a remote, so that it can be told from another one at the same address. */
export function encodeAbout(id: RemoteId): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format, version, id }));
}

/** Throws E_OBJECT_CORRUPT, and E_REMOTE_UNFIT for a remote that a later version of Cachelane laid out. */
export function decodeAbout(bytes: Uint8Array): RemoteId {
  const found = read(bytes);
  if (found.format !== format) throw corrupt();
  if (typeof found.version === 'number' && found.version > version) {
    throw new CachelaneError(
      'E_REMOTE_UNFIT',
      `the remote is laid out as version ${found.version} says; this cachelane knows ${version}`,
      {
        hint: 'use a later cachelane',
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
  return new CachelaneError('E_OBJECT_CORRUPT', 'what the remote says of itself is not what Cachelane writes', {
    hint: 'is this the prefix of something else? If not, cachelane verify remote --repair takes it out of use',
    cause,
  });
}
