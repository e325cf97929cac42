import { hash } from 'node:crypto';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { CachelaneError } from './errors.ts';

/** SHA-256 of bytes, 64 lower-case hex characters. */
export type Digest = string & { readonly __digest: unique symbol };

/**
 * What is short (names, keys, the index of an empty layer) is hashed in JavaScript: Node's own hash needs its crypto
 * module, which takes longer to load than everything else that a run without changes does.
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
