import { hexOf } from '../base/hex.ts';
import { CachelaneError, invariant } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/**
 * Where something lies in a remote: segments between slashes. Lower case only, since a directory may be on a file system that ignores case,
 * and nothing that any file system or server gives a meaning to. What has other characters is hashed by whoever makes the key.
 */
export type RemoteKey = string & { readonly __remoteKey: unique symbol };

const segmentPattern = /^[a-z0-9][a-z0-9._-]*$/;

/** Keys are made by our own code: anything else is a bug, or a file that somebody else put there. */
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

/** Names one change of a head, whoever asks for it how often: 32 hex characters. */
export type AttemptId = string & { readonly __attemptId: unique symbol };

/** `random` must hold 16 bytes. */
export function newAttempt(random: Uint8Array): AttemptId {
  invariant(random.length === 16, 'an attempt takes 16 random bytes');
  const hex = hexOf(random);
  return hex as AttemptId;
}
