import { childPath, parentPath, type BytePath, type MergeDriver, type Version } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';
import { toBytes, toText } from '../drivers/text.ts';

/** Go's format since 1.10 (cmd/go/internal/cache): version, action id, output id, size and time; numbers are 20 wide. */
const entryBytes = 175;
const entry = /^(v1 [0-9a-f]{64} [0-9a-f]{64} (?=[ 0-9]{20} ) *[0-9]+ )( *[0-9]+)\n$/;

/** Go's reader rejects numbers over 63 bits. */
const greatestTime = 2n ** 63n - 1n;
const nsPerMs = 1_000_000n;

const newest = newestDriver({
  name: 'newest',
  parse(content) {
    if (content.length !== entryBytes) return null;
    const [, rest, time] = entry.exec(toText(content)) ?? [];
    if (rest === undefined || time === undefined) return null;
    const stamp = BigInt(time.trim());
    return stamp > greatestTime ? null : { stamp, rest };
  },
  // A build that finds its output still rewrites the entry with a new time.
  stampMatters: false,
  clock: {
    // Until the end of the millisecond, since an entry and its seal may share one.
    latest: (sealedAtMs) => (BigInt(Math.trunc(sealedAtMs)) + 1n) * nsPerMs - 1n,
    write: ({ stamp, rest }) => toBytes(`${rest}${String(stamp).padStart(20)}\n`),
  },
});

/** `-a` entries of Go's build cache: the output of an action. */
export const goActionEntryDriver: MergeDriver = {
  ...newest,
  /** Go ignores an entry whose output is missing, so it is dropped. */
  close(version, path, has) {
    const output = outputOf(version, path);
    return output === null || has(output) ? null : new Uint8Array();
  },
};

/** Returns null for content that is no entry. */
function outputOf(version: Version, path: BytePath): BytePath | null {
  if (version.sizeBytes !== entryBytes) return null;
  const [, output] = /^v1 [0-9a-f]{64} ([0-9a-f]{64}) /.exec(toText(version.content())) ?? [];
  if (output === undefined) return null;
  const cache = parentPath(parentPath(path));
  return childPath(childPath(cache, output.slice(0, 2)), `${output}-d`);
}
