import { CachelaneError, digestOf, isCachelaneError, type AttemptId } from '@cachelane/core';
import { corrupt } from './expect-content.ts';

// A stored head is a header line followed by the document. The header makes every state unique, so ETags never repeat,
// a swap is recognised by its attempt, and late requests find another state.
//
//   cachelane-head 1 <attempt> <SHA-256 of the document> <the document's bytes | "removed">

export interface HeadDocument {
  readonly attempt: AttemptId;
  /** Null for a removed head. */
  readonly bytes: Uint8Array | null;
}

const linePattern = /^cachelane-head 1 ([0-9a-f]{32}) ([0-9a-f]{64}|removed)\n$/;
const versionPattern = /^cachelane-head ([1-9][0-9]{0,3}) /;
const digestLength = 64;
const encoder = new TextEncoder();

function lineOf(attempt: string, mark: string): Uint8Array {
  return encoder.encode(`cachelane-head 1 ${attempt} ${mark}\n`);
}

const lineBytes = lineOf('0'.repeat(32), '0'.repeat(digestLength)).length;
/** Only removed heads, and damaged ones, have this size. */
export const removedHeadBytes: number = lineOf('0'.repeat(32), 'removed').length;

export function encodeHead({ attempt, bytes }: HeadDocument): Uint8Array {
  if (bytes === null) return lineOf(attempt, 'removed');
  const line = lineOf(attempt, digestOf(bytes));
  const encoded = new Uint8Array(line.length + bytes.length);
  encoded.set(line);
  encoded.set(bytes, line.length);
  return encoded;
}

/** Decodes a head. Throws E_OBJECT_CORRUPT; E_REMOTE_UNFIT for a later version. */
export function decodeHead(encoded: Uint8Array, what: string): HeadDocument {
  if (encoded.length === 0) throw corrupt(what, 'is empty');
  const isRemoved = encoded.length === removedHeadBytes;
  const line = new TextDecoder().decode(encoded.subarray(0, isRemoved ? removedHeadBytes : lineBytes));
  const found = linePattern.exec(line);
  if (found === null) throw refused(line, what);
  const [, attempt = '', mark = ''] = found;
  if (mark === 'removed') return { attempt: attempt as AttemptId, bytes: null };
  const bytes = new Uint8Array(encoded.subarray(lineBytes));
  if (digestOf(bytes) !== mark) throw corrupt(what, 'is damaged');
  return { attempt: attempt as AttemptId, bytes };
}

/** Returns whether the bytes are an undamaged removed head. */
export function isRemoval(encoded: Uint8Array): boolean {
  return encoded.length === removedHeadBytes && linePattern.exec(new TextDecoder().decode(encoded))?.[2] === 'removed';
}

function refused(line: string, what: string): CachelaneError {
  const [, version = '1'] = versionPattern.exec(line) ?? [];
  if (version === '1') return corrupt(what, 'is not one that Cachelane wrote');
  return new CachelaneError('E_REMOTE_UNFIT', `${what} has version ${version}; this cachelane knows version 1`, {
    hint: 'update cachelane on this machine',
  });
}

/** Returns null for a damaged head. */
export function decodeUnlessDamaged(encoded: Uint8Array, what: string): HeadDocument | null {
  try {
    return decodeHead(encoded, what);
  } catch (error) {
    if (isCachelaneError(error, 'E_OBJECT_CORRUPT')) return null;
    throw error;
  }
}
