import { bytesToHex } from '@noble/hashes/utils.js';
import { CachelaneError, invariant } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/**
 * A key in a remote: segments between slashes. Only lower case and characters without special meaning, because a
 * directory remote may be on a file system that ignores case. Other text is hashed first.
 */
export type RemoteKey = string & { readonly __remoteKey: unique symbol };

const segmentPattern = /^[a-z0-9][a-z0-9._-]*$/;

/** Keys come from our own code, so other text is a bug or a foreign file. */
export function parseRemoteKey(text: string): RemoteKey {
  if (!isRemoteKey(text)) {
    throw new CachelaneError('E_INTERNAL', `not a key of a remote: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return text;
}

export function isRemoteKey(text: string): text is RemoteKey {
  if (text.length > limits.remoteKeyBytes) return false;
  return text
    .split('/')
    .every((segment) => segment.length <= limits.remoteKeySegmentBytes && segmentPattern.test(segment));
}

/** Identifies one change of a head across retries: 32 hex characters. */
export type AttemptId = string & { readonly __attemptId: unique symbol };

/** `random` must hold 16 bytes. */
export function newAttempt(random: Uint8Array): AttemptId {
  invariant(random.length === 16, 'an attempt takes 16 random bytes');
  const hex = bytesToHex(random);
  return hex as AttemptId;
}
