import { digestOf } from '../base/digest.ts';
import type { NamespaceId } from '../base/ids.ts';
import type { LaneName } from '../lanes/lane.ts';
import { compatFields, type VolumeName } from '../names/volume.ts';

/** The id of a (volume, lane): 64 lower-case hex characters. */
export type LowLevelId = string & { readonly __lowLevelId: unique symbol };

export interface LowLevelIdInputs {
  readonly namespaceId: NamespaceId;
  readonly volume: VolumeName;
  readonly compat: Readonly<Record<string, string>>;
  readonly lane: LaneName;
}

/** Tags of the layout; numbers are never reused. */
const fieldTags = {
  version: 0x00,
  namespaceId: 0x01,
  volume: 0x02,
  compatName: 0x03,
  compatValue: 0x04,
  lane: 0x05,
} as const;

export const lowLevelIdVersion = 'cachelane.low-level-id.1';

/**
 * Returns the SHA-256 of fields in a fixed order: version, namespace id, volume, name and value of each compat field
 * in byte order, lane. Each field is one tag byte, the length of its value as four bytes big-endian, and the value as
 * UTF-8, so different inputs have different bytes. docs/reference/names.md has the layout and test vectors. Throws as
 * `canonicalCompat`.
 */
export function lowLevelId(inputs: LowLevelIdInputs): LowLevelId {
  return digestOf(lowLevelIdBytes(inputs)) as string as LowLevelId;
}

/** Returns the hashed bytes, for `explain` and for tests of other implementations. */
export function lowLevelIdBytes(inputs: LowLevelIdInputs): Uint8Array {
  const fields: (readonly [number, string])[] = [
    [fieldTags.version, lowLevelIdVersion],
    [fieldTags.namespaceId, inputs.namespaceId],
    [fieldTags.volume, inputs.volume],
  ];
  for (const [name, value] of compatFields(inputs.compat)) {
    fields.push([fieldTags.compatName, name], [fieldTags.compatValue, value]);
  }
  fields.push([fieldTags.lane, inputs.lane]);
  const bytes: number[] = [];
  for (const [tag, text] of fields) {
    const value = new TextEncoder().encode(text);
    const { length } = value;
    bytes.push(tag, length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff, ...value);
  }
  return Uint8Array.from(bytes);
}
