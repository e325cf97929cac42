import type { MergeDriver } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';

/** Format version of an entry. cargo rewrites entries of other versions. */
const formats = new Set([3]);
const headerBytes = 5;

/**
 * A sparse registry's answer for a crate: a header, an ETag or time, then name and line of each version, each ended by a NUL. A registry
 * only adds versions, so the longer list is the later one.
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
