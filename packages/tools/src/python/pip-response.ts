import { isDeepStrictEqual } from 'node:util';
import type { MergeDriver, Version } from '@cachelane/core';
import { groupDriver } from '../drivers/group.ts';
import { readMessagePack } from '../drivers/message-pack.ts';
import { isOversize } from '../drivers/pick.ts';
import { toText } from '../drivers/text.ts';

/** How CacheControl, which pip keeps responses with, begins them since pip 9. */
const magic = 'cc=4,';

/** Headers that pip uses for its next request or to read the body. The others differ with every answer. */
const telling = new Set([
  'cache-control',
  'content-encoding',
  'content-type',
  'etag',
  'last-modified',
  'link',
  'location',
  'x-pypi-last-serial',
]);

/**
 * `http-v2/…/<hash>`: the head of a response, whose body is the file beside it. pip asks again for every index page and
 * overwrites the head, so a head that differs only in the other headers is no change.
 */
export const pipResponseDriver: MergeDriver = {
  ...groupDriver,
  same(pinned, mine) {
    if (groupDriver.same(pinned, mine)) return true;
    const before = lasting(pinned);
    return before !== null && isDeepStrictEqual(before, lasting(mine));
  },
};

/** Returns the head without the headers that do not count; null where it cannot be read. */
function lasting(version: Version): object | null {
  const content = isOversize(version) ? new Uint8Array() : version.content();
  if (toText(content.subarray(0, magic.length)) !== magic) return null;
  try {
    const head = readMessagePack(content.subarray(magic.length)) as { readonly response: { readonly headers: object } };
    const headers = Object.entries(head.response.headers).filter(([name]) => telling.has(name.toLowerCase()));
    return { ...head, response: { ...head.response, headers: Object.fromEntries(headers) } };
  } catch {
    return null;
  }
}
