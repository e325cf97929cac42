import type { MergeDriver } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';

// Header of an entry since ccache 4.7: 0xccac, version, type, compression and level, self-contained flag, time in seconds. The
// last 16 bytes are a digest of the rest (core/cacheentry.cpp).
const magic = 0xccac;
const version = 1;
const timeAt = 7;
const headerBytes = 15;
const digestBytes = 16;

/**
 * Results and manifests of ccache. Their names are digests of the inputs, and their content has a time: compiling the same object twice
 * changes only the time. A manifest lists results of one source, and runs may add some. The newest manifest wins; ccache finds
 * unlisted results through the preprocessor. A future time cannot be lowered, since the digest covers it: it costs direct hits for
 * one source.
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
