import type { MergeDriver } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';
import { toText } from '../drivers/text.ts';

/** A registry manifest of bun 1.4 begins with this header. The second until which it is fresh follows. */
const header = '#!/usr/bin/env bun\nbun-npm-manifest-cache-v0.0.8\n';
const freshUntilAt = 0x60;

/** Registries allow minutes. A manifest that is fresh for more than a day was written with a wrong clock. */
const longestSeconds = 86_400n;

/** `<name>-<registry>.npm` of bun's cache. */
export const bunManifestDriver: MergeDriver = newestDriver({
  name: 'newest',
  parse(content) {
    if (content.length < freshUntilAt + 4 || toText(content.subarray(0, header.length)) !== header) return null;
    const stamp = BigInt(viewOf(content).getUint32(freshUntilAt, true));
    return { stamp, rest: Buffer.from(withStamp(content, 0n)).toString('latin1') };
  },
  // bun revalidates an unchanged manifest.
  stampMatters: false,
  clock: {
    latest: (sealedAtMs) => BigInt(Math.trunc(sealedAtMs / 1000)) + longestSeconds,
    write: ({ stamp, rest }) => withStamp(Buffer.from(rest, 'latin1'), stamp),
  },
});

function withStamp(content: Uint8Array, stamp: bigint): Uint8Array {
  const copy = Uint8Array.from(content);
  viewOf(copy).setUint32(freshUntilAt, Number(stamp), true);
  return copy;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
