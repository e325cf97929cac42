import type { MergeDriver, Version } from '@cachelane/core';
import { groupDriver } from '../drivers/group.ts';
import { readMessagePack } from '../drivers/message-pack.ts';
import { isOversize } from '../drivers/pick.ts';
import { toText } from '../drivers/text.ts';

/** How CacheControl, which pip keeps responses with, begins them since pip 9. */
const magic = 'cc=4,';

/** What pip makes the next request of, and what it reads the body by; the rest is about one answer and its way here. */
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
 * `http-v2/…/<hash>`: the head of a response, whose body lies beside it. pip asks for every index page again and writes the
 * head of the answer over the old one: the page did not change where only the time of the answer did.
 */
export const pipResponseDriver: MergeDriver = {
  ...groupDriver,
  same(pinned, mine) {
    if (groupDriver.same(pinned, mine)) return true;
    const before = lasting(pinned);
    return before !== null && before === lasting(mine);
  },
};

function lasting(version: Version): string | null {
  const content = isOversize(version) ? new Uint8Array() : version.content();
  if (toText(content.subarray(0, magic.length)) !== magic) return null;
  try {
    return inWords(readMessagePack(content.subarray(magic.length)));
  } catch {
    return null;
  }
}

/** Maps in the order of their keys. */
function inWords(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('base64')}`;
  if (Array.isArray(value)) return `[${value.map(inWords).join()}]`;
  if (!(value instanceof Map)) return JSON.stringify(value);
  const pairs = [...value].map(([key, item]: [unknown, unknown]) => {
    const isHeaders = key === 'headers' && item instanceof Map;
    const kept = isHeaders ? new Map([...item].filter(([name]) => telling.has(String(name).toLowerCase()))) : item;
    return `${inWords(key)}:${inWords(kept)}`;
  });
  return `{${pairs.toSorted().join()}}`;
}
