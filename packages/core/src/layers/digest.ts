import { hash } from 'node:crypto';
import { CachelaneError } from '../errors.ts';

/** SHA-256 of bytes, 64 lower-case hex characters. */
export type Digest = string & { readonly __digest: unique symbol };

export function digestOf(bytes: Uint8Array | string): Digest {
  return hash('sha256', bytes, 'hex') as Digest;
}

export function parseDigest(text: string): Digest {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new CachelaneError('E_LAYER_REFUSED', 'not a SHA-256 digest in lower-case hex');
  return text as Digest;
}
