import { hash } from 'node:crypto';
import { parentPath, type BytePath, type MergeDriver } from '@cachelane/core';
import { linesDriver } from '../drivers/lines.ts';
import { contentPathsOf, strongestAlgorithm } from './npm-integrity.ts';
import { toBytes, toText } from '../drivers/text.ts';

/**
 * An entry of npm's `_cacache/index-v5`, stored as `
 * <sha1 of the JSON>\t<JSON>`. Writers append; npm drops replaced lines when it looks
 * up a key. One key can have several entries: responses to different `accept` headers (`npm view` and `npm install` differ).
 * So a name is a key plus the headers that its response varies by. A line without integrity removes all earlier lines of its
 * key (a tombstone), unless it is a redirect, which has a status.
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
  /** A later line replaces earlier ones with the same name. */
  readonly name: string;
  /** Equal for lines that differ only in the time of the request. */
  readonly meaning: string;
  readonly time: number;
  readonly sha1: string;
  readonly json: string;
  readonly entry: BucketEntry;
}

/** Request headers that npm compares before it uses a cached response (make-fetch-happen, cache/policy.js). */
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

/** Returns `_cacache` for `_cacache/index-v5/aa/bb/cccc`. */
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

/** Checks the outer fields. Fields of `metadata` are checked where they are read. */
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
    // Entries of old npm versions have only a sha1, which only lockfiles of that time request.
    integrity ? strongestAlgorithm(integrity) : null,
  ];
  const { etag, 'last-modified': lastModified, location } = metadata?.resHeaders ?? {};
  // Only the headers that npm needs to revalidate the response count.
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

/** npm stores the request headers that a response varies by, including the token for `vary: authorization`. URLs may contain a password. */
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
 * Returns the valid lines of one key. File order decides, since clocks can be set back. A line after a tombstone gets at least the
 * tombstone's time, since only times are comparable across files.
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

/** npm takes the last line of a key as the newest. */
function byPlace(a: BucketLine, b: BucketLine): number {
  return (
    compare(a.key, b.key) || a.time - b.time || Number(b.isTombstone) - Number(a.isTombstone) || compare(a.name, b.name)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Returns added lines. A tombstone is new if it removes something, whatever its time. All lines of its key are then stored too, so that the
 * lines of `pinned` stay removed.
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

/** Lowers the time; a response from the future would also stay fresh for ever. */
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
