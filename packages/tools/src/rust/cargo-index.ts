import type { MergeDriver } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';

/** Version of the format and of the index's own, both small: cargo starts the entry again when it knows another one. */
const formats = new Set([3]);
const headerBytes = 5;

/**
 * What a sparse registry said of a crate, as cargo keeps it: after its header an ETag or a time, then for each version a
 * name and a line, each ended by a NUL. A registry only ever adds versions, so of two answers the longer list is the later one.
 */
export const cargoIndexDriver: MergeDriver = newestDriver({
  name: 'newest',
  parse(content) {
    if (content.length <= headerBytes || !formats.has(content[0] ?? 0) || content.at(-1) !== 0) return null;
    const count = content.subarray(headerBytes).reduce((total, byte) => total + (byte === 0 ? 1 : 0), 0);
    return { stamp: BigInt(count), rest: Buffer.from(content).toString('latin1') };
  },
  stampMatters: true,
  clock: null,
});
