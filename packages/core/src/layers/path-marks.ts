import type { BytePath } from './byte-path.ts';
import { digestOf } from '../base/digest.ts';

/**
 * Six bytes of a path's digest. With a million paths, two collide in one of five hundred volumes; one of them then
 * stays longer.
 */
export type PathMark = number & { readonly __pathMark: unique symbol };

export function pathMark(path: BytePath): PathMark {
  return Number.parseInt(digestOf(path).slice(0, 12), 16) as PathMark;
}

/** The last note of each path in milliseconds since 1970, to the minute. */
export type PathMarks = ReadonlyMap<PathMark, number>;

const markBytes = 6;
const recordBytes = markBytes + 4;
const minuteMs = 60_000;

/** Returns a time with the precision of a mark. */
export function markedMs(atMs: number): number {
  return Math.floor(atMs / minuteMs) * minuteMs;
}

/** Encodes ten bytes for each path in the order of the marks: the mark and the minute, big-endian. */
export function encodePathMarks(marks: PathMarks): Uint8Array {
  const view = new DataView(new ArrayBuffer(marks.size * recordBytes));
  let at = 0;
  for (const [mark, atMs] of [...marks].toSorted(([a], [b]) => a - b)) {
    view.setUint16(at, Math.floor(mark / 2 ** 32));
    view.setUint32(at + 2, mark % 2 ** 32);
    view.setUint32(at + markBytes, Math.min(2 ** 32 - 1, Math.max(0, Math.floor(atMs / minuteMs))));
    at += recordBytes;
  }
  return new Uint8Array(view.buffer);
}

/** Decodes marks; returns none for invalid bytes, because notes may be lost. */
export function decodePathMarks(encoded: Uint8Array): PathMarks {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const marks = new Map<PathMark, number>();
  if (view.byteLength % recordBytes !== 0) return marks;
  for (let at = 0; at < view.byteLength; at += recordBytes) {
    const mark = view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
    marks.set(mark as PathMark, view.getUint32(at + markBytes) * minuteMs);
  }
  return marks;
}

export interface NewMarks {
  readonly paths: Iterable<readonly [PathMark, number]>;
  /** Notes before this time are dropped. */
  readonly sinceMs: number;
  /** The maximum number of marks; the latest stay. */
  readonly limit: number;
}

/** Returns the marks with new ones. A path keeps its latest time. */
export function addPathMarks(marks: PathMarks, { paths, sinceMs, limit }: NewMarks): PathMarks {
  const all = new Map([...marks].filter(([, each]) => each >= sinceMs));
  for (const [path, atMs] of paths) all.set(path, Math.max(atMs, all.get(path) ?? 0));
  if (all.size <= limit) return all;
  return new Map([...all].toSorted(([, a], [, b]) => b - a).slice(0, limit));
}
