import { Unpackr } from 'msgpackr/unpack-no-eval';

// The bytes are untrusted: this entry of msgpackr generates no code and loads no native addon.
const unpackr = new Unpackr({ mapsAsObjects: true, int64AsType: 'number', structuredClone: false });

/** Returns the MessagePack value with its maps as objects. Throws unless the bytes are exactly one value. */
export function readMessagePack(content: Uint8Array): unknown {
  return unpackr.unpack(content);
}
