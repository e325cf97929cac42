import { hash } from 'node:crypto';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { CachelaneError } from './errors.ts';

/** A SHA-256 digest: 64 lower-case hex characters. */
export type Digest = string & { readonly __digest: unique symbol };

/**
 * Returns the SHA-256 of bytes or UTF-8 text. Short data (names, keys, small indexes) is hashed in JavaScript,
 * because loading Node's crypto module takes longer than the rest of a run without changes.
 */
export function digestOf(data: Uint8Array | string): Digest {
  if (data.length > shortLength) return hash('sha256', data, 'hex') as Digest;
  return bytesToHex(sha256(typeof data === 'string' ? encoder.encode(data) : data)) as Digest;
}

const shortLength = 1024;
const encoder = new TextEncoder();

export function parseDigest(text: string): Digest {
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new CachelaneError('E_LAYER_REFUSED', 'not a SHA-256 digest in lower-case hex');
  return text as Digest;
}
