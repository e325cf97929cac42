import { hexOf } from './hex.ts';
import { CachelaneError } from './errors.ts';

/**
 * Identifiers are opaque text made from random bytes (`<prefix>_<32 hex>`), so that a brand and a look at a log line both
 * tell what kind of thing is meant.
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

/** `random` must hold 16 bytes from a cryptographic source. */
export function newId<K extends keyof IdTypes>(kind: K, random: Uint8Array): IdTypes[K] {
  const hex = hexOf(random.subarray(0, 16));
  return parseId(kind, `${prefixes[kind]}_${hex}`);
}

/** Throws E_INTERNAL for anything that {@link newId} does not make: ids come from our own stores only. */
export function parseId<K extends keyof IdTypes>(kind: K, text: string): IdTypes[K] {
  if (!text.startsWith(`${prefixes[kind]}_`) || !/^[0-9a-f]{32}$/.test(text.slice(prefixes[kind].length + 1))) {
    throw new CachelaneError('E_INTERNAL', `not a ${kind} id: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return text as IdTypes[K];
}
