import type { MergeDriver } from '@cachelane/core';
import { newestDriver } from './newest.ts';
import { toBytes, toText } from './text.ts';

const latestOf = {
  s: (ms: bigint): bigint => ms / 1000n,
  ms: (ms: bigint): bigint => ms,
  // Until the end of the millisecond.
  ns: (ms: bigint): bigint => (ms + 1n) * 1_000_000n - 1n,
} as const;

/** Returns a driver for a file with only a decimal time since the epoch, with or without a newline. */
export function plainTimeDriver(unit: keyof typeof latestOf): MergeDriver {
  return newestDriver({
    name: 'newest',
    parse(content) {
      if (content.length > 21) return null;
      const [, digits, newline] = /^(0|[1-9][0-9]{0,19})(\n?)$/.exec(toText(content)) ?? [];
      return digits === undefined ? null : { stamp: BigInt(digits), rest: newline ?? '' };
    },
    stampMatters: true,
    clock: {
      latest: (sealedAtMs) => latestOf[unit](BigInt(Math.trunc(sealedAtMs))),
      write: ({ stamp, rest }) => toBytes(`${stamp}${rest}`),
    },
  });
}
