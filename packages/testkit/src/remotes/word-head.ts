import {
  isCachelaneError,
  type AttemptId,
  type RemoteHeads,
  type RemoteKey,
  type SwapOutcome,
  type SwapRequest,
} from '@cachelane/core';
import { noAbort } from '../metadata/metadata-builders.ts';
import { asText, text } from './remote-builders.ts';

export interface WordAdding {
  readonly key: RemoteKey;
  readonly words: Iterable<string>;
  readonly attempt: () => AttemptId;
  readonly onAdded?: (word: string) => void;
}

/** A head as runs use it: each swap adds a word to those that are there. A word that is there already was added by a swap whose answer said otherwise. */
export async function addWords(heads: RemoteHeads, { key, words, attempt, onAdded }: WordAdding): Promise<void> {
  for (const word of words) {
    let found = await heads.read(key, noAbort);
    for (;;) {
      const there = wordsOf(found?.bytes);
      if (there.includes(word)) break;
      const bytes = text([...there, word].join(' '));
      const outcome = await swapSurely(heads, { key, bytes, expected: found?.version ?? null, attempt: attempt() });
      if (outcome.kind === 'moved') break;
      ({ found } = outcome);
    }
    onAdded?.(word);
  }
}

/** An answer that got lost is settled by asking again, which is what the attempt is for. */
async function swapSurely(heads: RemoteHeads, request: SwapRequest): Promise<SwapOutcome> {
  for (let repetitions = 0; ; repetitions++) {
    try {
      return await heads.swap(request, noAbort);
    } catch (error) {
      if (!isCachelaneError(error) || !error.retryable || repetitions === 20) throw error;
    }
  }
}

export function wordsOf(bytes: Uint8Array | undefined): readonly string[] {
  return asText(bytes)?.split(' ') ?? [];
}
