import type { ObjectSource } from '@cachelane/core';
import { expectContent } from './expect-content.ts';

/** Marks an error of the source, so that it does not look like an error of the remote's disk or network. */
class SourceFailure extends Error {
  override readonly name = 'SourceFailure';
}

/** Yields the checked content to store. {@link ofSource} unwraps errors of the source. */
export function readSource(source: ObjectSource, key: string): AsyncIterable<Uint8Array> {
  return expectContent(marked(source), source, `the content for ${key}`);
}

async function* marked(source: ObjectSource): AsyncIterable<Uint8Array> {
  try {
    yield* source.read();
  } catch (cause) {
    throw new SourceFailure('the source failed', { cause });
  }
}

/** Returns the source's own error, if the error comes from one. */
export function ofSource(error: unknown): { readonly error: unknown } | undefined {
  return error instanceof SourceFailure ? { error: error.cause } : undefined;
}
