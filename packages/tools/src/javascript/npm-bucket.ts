import { hash } from 'node:crypto';
import { parentPath, type BytePath, type MergeDriver } from '@cachelane/core';
import { linesDriver } from '../drivers/lines.ts';
import { contentPathsOf, strongestAlgorithm } from './npm-integrity.ts';
import { toBytes, toText } from '../drivers/text.ts';

/**
 * A bucket of npm's `_cacache/index-v5` holds `\n<sha1 of the JSON>\t<JSON>` for each entry; writers append, and npm
 * itself rewrites the file without replaced lines whenever it looks something up. For one key there can be several
 * entries: responses to requests with different `accept` headers (`npm view` asks for other packuments than
 * `npm install`), so a name is a key and what its response varies by. A line without integrity takes back all lines of
 * the key before it, unless it is a redirect, which has a status and no content.
 */
interface BucketEntry {
  readonly key: string;
  readonly integrity?: string | null;
  readonly time?: number;
  readonly size?: number;
  readonly metadata?: EntryMetadata;
}

interface EntryMetadata {
  readonly time?: number;
  readonly url?: string;
  readonly status?: number;
  readonly reqHeaders?: Readonly<Record<string, unknown>>;
  readonly resHeaders?: Readonly<Record<string, unknown>>;
  readonly options?: { readonly compress?: boolean };
}

interface BucketLine {
  readonly key: string;
  readonly isTombstone: boolean;
  /** Lines with equal names replace each other. */
  readonly name: string;
  /** Equal for lines that differ only in when the registry was asked. */
  readonly meaning: string;
  readonly time: number;
  readonly sha1: string;
  readonly json: string;
  readonly entry: BucketEntry;
}

/** Request headers that npm's cache compares before it uses a response (make-fetch-happen, cache/policy.js). */
const varyingHeaders = ['host', 'accept', 'accept-encoding', 'accept-language'] as const;

export const npmBucketDriver: MergeDriver = linesDriver<BucketLine>({
  name: 'lines',
  parse: parseBucket,
  write: (lines) => toBytes(lines.map(({ sha1, json }) => `\n${sha1}\t${json}`).join('')),
  unite: uniteLines,
  added: addedLines,
  clamp: clampLine,
  mayStore: ({ entry }) => !holdsCredential(entry),
  contents: ({ entry }, path) => (entry.integrity ? contentPathsOf(entry.integrity, cacheRootOf(path)) : null),
});

/** `_cacache` for `_cacache/index-v5/aa/bb/cccc`. */
function cacheRootOf(path: BytePath): BytePath {
  return parentPath(parentPath(parentPath(parentPath(path))));
}

function parseBucket(content: Uint8Array): readonly BucketLine[] | null {
  const texts = toText(content)
    .split('\n')
    .filter((text) => text !== '');
  const lines = texts.map(parseLine).filter((line) => line !== null);
  if (lines.length === 0 && texts.length > 0) return null;
  const byKey = Map.groupBy(lines, ({ key }) => key);
  return [...byKey.values()].flatMap(inForce);
}

function parseLine(text: string): BucketLine | null {
  const [sha1, json] = text.split('\t');
  if (sha1 === undefined || json === undefined || hash('sha1', json, 'hex') !== sha1) return null;
  try {
    const entry: unknown = JSON.parse(json);
    return isEntry(entry) ? toLine(entry, json, sha1) : null;
  } catch {
    return null;
  }
}

/** What is inside `metadata` is looked at field by field, without trusting any. */
function isEntry(value: unknown): value is BucketEntry {
  if (typeof value !== 'object' || value === null || !('key' in value) || typeof value.key !== 'string') return false;
  const integrity = 'integrity' in value ? value.integrity : null;
  return integrity === null || typeof integrity === 'string';
}

function toLine(entry: BucketEntry, json: string, sha1: string): BucketLine {
  const { key, integrity, size, metadata } = entry;
  const time = timeOf(entry.time);
  const isTombstone = !integrity && metadata?.status === undefined;
  const variant = [
    ...varyingHeaders.map((header) => metadata?.reqHeaders?.[header] ?? null),
    metadata?.options?.compress ?? null,
    // Entries of old versions of npm have only a sha1, and only lockfiles of that time ask for them.
    integrity ? strongestAlgorithm(integrity) : null,
  ];
  const { etag, 'last-modified': lastModified, location } = metadata?.resHeaders ?? {};
  // Of the response's headers only what the next request is made of counts: without it npm would fetch the whole again.
  const revalidation = etag ?? lastModified ?? null;
  const meaning = [
    integrity ?? null,
    size ?? null,
    metadata?.url ?? null,
    metadata?.status ?? null,
    revalidation,
    location ?? null,
  ];
  return {
    key,
    isTombstone,
    name: JSON.stringify(isTombstone ? [key] : [key, ...variant]),
    meaning: JSON.stringify(isTombstone ? null : meaning),
    time,
    sha1,
    json,
    entry,
  };
}

/**
 * npm keeps the request headers that a response varies by, and with them the token where a registry says
 * `vary: authorization`; addresses carry what a person wrote before the host.
 */
function holdsCredential({ key, metadata }: BucketEntry): boolean {
  const headers = Object.keys(metadata?.reqHeaders ?? {}).map((name) => name.toLowerCase());
  return headers.some((name) => secretHeaders.has(name)) || hasUserInfo(key) || hasUserInfo(`${metadata?.url}`);
}

const secretHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'npm-otp',
  'npm-session',
]);

function hasUserInfo(text: string): boolean {
  return /[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*@/i.test(text);
}

function timeOf(time: unknown): number {
  return typeof time === 'number' && Number.isFinite(time) ? time : 0;
}

/**
 * The lines of one key that count, by their place in the file: times may be those of a clock that was set back. A line
 * that came after a tombstone gets at least its time, since across files only times tell.
 */
function inForce(lines: readonly BucketLine[]): readonly BucketLine[] {
  const last = lines.findLastIndex(({ isTombstone }) => isTombstone);
  const earliest = lines[last]?.time ?? 0;
  const byName = new Map<string, BucketLine>();
  for (const line of lines.slice(Math.max(last, 0))) {
    byName.delete(line.name);
    byName.set(line.name, line.time < earliest ? withTimes(line, { time: earliest }) : line);
  }
  return [...byName.values()];
}

function uniteLines(lines: readonly BucketLine[]): readonly BucketLine[] {
  const byName = new Map<string, BucketLine>();
  for (const line of lines) {
    const known = byName.get(line.name);
    if (known === undefined || isNewer(line, known)) byName.set(line.name, line);
  }
  const newest = [...byName.values()];
  const takenBack = tombstonesOf(newest);
  return newest.filter((line) => line.time >= (takenBack.get(line.key)?.time ?? line.time)).toSorted(byPlace);
}

function isNewer(a: BucketLine, b: BucketLine): boolean {
  return a.time === b.time ? a.sha1 > b.sha1 : a.time > b.time;
}

function tombstonesOf(lines: readonly BucketLine[]): ReadonlyMap<string, BucketLine> {
  return new Map(lines.filter(({ isTombstone }) => isTombstone).map((line) => [line.key, line]));
}

/** npm reads the last line of a key as its newest one. */
function byPlace(a: BucketLine, b: BucketLine): number {
  return (
    compare(a.key, b.key) || a.time - b.time || Number(b.isTombstone) - Number(a.isTombstone) || compare(a.name, b.name)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * A tombstone is new where it takes something back, whatever its time. Then all lines of its key go with it: what
 * `pinned` has of them goes under.
 */
function addedLines(pinned: readonly BucketLine[], mine: readonly BucketLine[]): readonly BucketLine[] {
  const known = new Map(pinned.map((line) => [line.name, line.meaning]));
  const left = new Set(mine.map(({ name }) => name));
  const lost = new Set(pinned.filter(({ name }) => !left.has(name)).map(({ key }) => key));
  const takenBackBefore = tombstonesOf(pinned);
  const isRenewed = ({ key }: BucketLine): boolean => lost.has(key) || !takenBackBefore.has(key);
  const renewed = new Set([...tombstonesOf(mine).values()].filter(isRenewed).map(({ key }) => key));
  return mine.filter(({ key, name, meaning }) => renewed.has(key) || known.get(name) !== meaning);
}

/** A response from the future would also look fresh for ever. */
function clampLine(line: BucketLine, sealedAtMs: number): BucketLine {
  if (line.time <= sealedAtMs) return line;
  const { metadata } = line.entry;
  const isLater = timeOf(metadata?.time) > sealedAtMs;
  return withTimes(line, { time: sealedAtMs, ...(isLater && { metadata: { ...metadata, time: sealedAtMs } }) });
}

function withTimes({ entry }: BucketLine, times: Pick<BucketEntry, 'time' | 'metadata'>): BucketLine {
  const changed = { ...entry, ...times };
  const json = JSON.stringify(changed);
  return toLine(changed, json, hash('sha1', json, 'hex'));
}
