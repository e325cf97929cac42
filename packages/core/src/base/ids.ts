import { bytesToHex } from '@noble/hashes/utils.js';
import { CachelaneError } from './errors.ts';

/**
 * Identifiers are random bytes with a prefix for their kind (`<prefix>_<32 hex>`), so types and log lines show what
 * they identify.
 */
export type NamespaceId = string & { readonly __namespaceId: unique symbol };
export type VolumeId = string & { readonly __volumeId: unique symbol };
export type SessionId = string & { readonly __sessionId: unique symbol };
export type RunId = string & { readonly __runId: unique symbol };

const prefixes = { namespace: 'ns', volume: 'vol', session: 'ses', run: 'run' } as const;

interface IdTypes {
  namespace: NamespaceId;
  volume: VolumeId;
  session: SessionId;
  run: RunId;
}

/** Returns a new id. `random` must hold 16 bytes from a cryptographic source. */
export function newId<K extends keyof IdTypes>(kind: K, random: Uint8Array): IdTypes[K] {
  const hex = bytesToHex(random.subarray(0, 16));
  return parseId(kind, `${prefixes[kind]}_${hex}`);
}

/** Returns the text as an id. Throws E_INTERNAL for other text, because ids come only from our own stores. */
export function parseId<K extends keyof IdTypes>(kind: K, text: string): IdTypes[K] {
  if (!text.startsWith(`${prefixes[kind]}_`) || !/^[0-9a-f]{32}$/.test(text.slice(prefixes[kind].length + 1))) {
    throw new CachelaneError('E_INTERNAL', `not a ${kind} id: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return text as IdTypes[K];
}
