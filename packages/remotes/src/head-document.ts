import { digestOf, type AttemptId } from '@cachelane/core';
import { corrupt } from './content/expect-content.ts';

// A head as it lies in a directory or a bucket: one line of ours, then the document. The line makes every state unlike every
// other one, so that no ETag and no file ever comes back: whose swap an answer is about can be told, and a request that comes late finds another state.
//
//   cachelane-head 1 <attempt> <SHA-256 of the document> <the document's bytes | "removed">

export interface HeadDocument {
  readonly attempt: AttemptId;
  /** Null for a head that was removed. */
  readonly bytes: Uint8Array | null;
}

const linePattern = /^cachelane-head 1 ([0-9a-f]{32}) ([0-9a-f]{64}|removed)\n$/;
const digestLength = 64;
const encoder = new TextEncoder();

function lineOf(attempt: string, mark: string): Uint8Array {
  return encoder.encode(`cachelane-head 1 ${attempt} ${mark}\n`);
}

const lineBytes = lineOf('0'.repeat(32), '0'.repeat(digestLength)).length;
/** Removed heads can be told by their size: every other one is longer. */
export const removedHeadBytes: number = lineOf('0'.repeat(32), 'removed').length;

export function encodeHead({ attempt, bytes }: HeadDocument): Uint8Array {
  if (bytes === null) return lineOf(attempt, 'removed');
  const line = lineOf(attempt, digestOf(bytes));
  const encoded = new Uint8Array(line.length + bytes.length);
  encoded.set(line);
  encoded.set(bytes, line.length);
  return encoded;
}

export function decodeHead(encoded: Uint8Array, what: string): HeadDocument {
  const isRemoved = encoded.length === removedHeadBytes;
  const line = new TextDecoder().decode(encoded.subarray(0, isRemoved ? removedHeadBytes : lineBytes));
  const found = linePattern.exec(line);
  if (found === null) throw corrupt(what, 'is not one that this version of Cachelane wrote');
  const [, attempt = '', mark = ''] = found;
  if (mark === 'removed') return { attempt: attempt as AttemptId, bytes: null };
  const bytes = new Uint8Array(encoded.subarray(lineBytes));
  if (digestOf(bytes) !== mark) throw corrupt(what, 'is damaged');
  return { attempt: attempt as AttemptId, bytes };
}
