import type { MergeDriver } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';
import { toText } from '../drivers/text.ts';

/** Between the record and the signed tree head in an answer of a checksum database. */
const heading = '\n\ngo.sum database tree\n';
const recordNumber = /^[0-9]+\n/;

/** `lookup/` files of Go's checksum database. The record never changes; the tree grows with time, and the larger one proves more. */
export const goSumLookupDriver: MergeDriver = newestDriver({
  name: 'newest',
  parse(content) {
    const text = toText(content);
    const at = text.indexOf(heading);
    const record = text.slice(0, Math.max(at, 0));
    const [, size, tail] = /^([1-9][0-9]{0,18})(\n[\s\S]*)$/.exec(text.slice(at + heading.length)) ?? [];
    if (at < 0 || !recordNumber.test(record) || size === undefined || tail === undefined) return null;
    return { stamp: BigInt(size), rest: record };
  },
  stampMatters: false,
  clock: null,
});
