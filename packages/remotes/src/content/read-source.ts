import type { ObjectSource } from '@cachelane/core';
import { expectContent } from './expect-content.ts';

/** What went wrong with a source is nothing of the remote's: it must not pass for an error of its disk or its network. */
class SourceFailure extends Error {
  override readonly name = 'SourceFailure';
}

/** The content of what is to be stored, checked. What the source throws reaches the caller by {@link ofSource}. */
export function readSource(source: ObjectSource, key: string): AsyncIterable<Uint8Array> {
  return expectContent(marked(source), source, `what was to be stored as ${key}`);
}

async function* marked(source: ObjectSource): AsyncIterable<Uint8Array> {
  try {
    yield* source.read();
  } catch (cause) {
    throw new SourceFailure('the source failed', { cause });
  }
}

/** The source's own error, where that is what was thrown. */
export function ofSource(error: unknown): { readonly error: unknown } | undefined {
  return error instanceof SourceFailure ? { error: error.cause } : undefined;
}
