import { isDeepStrictEqual } from 'node:util';
import type { MergeDriver, Version } from '@cachelane/core';
import { groupDriver } from '../drivers/group.ts';
import { readMessagePack } from '../drivers/message-pack.ts';
import { isOversize } from '../drivers/pick.ts';
import { toText } from '../drivers/text.ts';

/** Header of responses that CacheControl writes for pip since pip 9. */
const magic = 'cc=4,';

/** Headers that pip uses for its next request or to read the body. Others differ in every answer. */
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
 * `http-v2/…/<hash>`: the head of a response; its body is the file beside it. pip requests every index page again and overwrites the
 * head, so a difference in other headers is no change.
 */
export const pipResponseDriver: MergeDriver = {
  ...groupDriver,
  same(pinned, mine) {
    if (groupDriver.same(pinned, mine)) return true;
    const before = lasting(pinned);
    return before !== null && isDeepStrictEqual(before, lasting(mine));
  },
};

/** Returns the head with only the telling headers; null if it is unreadable. */
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
