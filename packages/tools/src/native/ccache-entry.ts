import type { MergeDriver } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';

// The header of an entry since ccache 4.7: 0xccac, version, type, compression and its level, whether it stands alone, then the
// second of its making; at the end a digest of 16 bytes over everything (core/cacheentry.cpp).
const magic = 0xccac;
const version = 1;
const timeAt = 7;
const headerBytes = 15;
const digestBytes = 16;

/**
 * Results and manifests of ccache. Both have names that are digests of what was compiled, and a time in them: the same
 * object compiled twice differs in that alone. A manifest lists results for one source, and each run may add some; the newest
 * stands, and a result that it does not list is found by way of the preprocessor. A time in the future cannot be lowered, since
 * the digest covers it: such an entry costs others their direct hits for one source.
 */
export const ccacheEntryDriver: MergeDriver = newestDriver({
  name: 'newest',
  parse(content) {
    if (content.length < headerBytes + digestBytes) return null;
    const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
    if (view.getUint16(0) !== magic || view.getUint8(2) !== version) return null;
    const rest = Buffer.concat([content.subarray(0, timeAt), content.subarray(headerBytes, -digestBytes)]);
    return { stamp: view.getBigUint64(timeAt), rest: rest.toString('latin1') };
  },
  stampMatters: false,
  clock: null,
});
