import type { AttemptId, RemoteHeads, RemoteKey } from '@cachelane/core';
import { noAbort } from '../metadata/metadata-builders.ts';
import { asText, surely, text } from './remote-builders.ts';

export interface WordAdding {
  readonly key: RemoteKey;
  readonly words: Iterable<string>;
  readonly attempt: () => AttemptId;
  readonly onAdded?: (word: string) => void;
}

/** Adds words to a head by compare-and-swap. If a word is already present, an earlier swap succeeded but its answer was lost. */
export async function addWords(heads: RemoteHeads, { key, words, attempt, onAdded }: WordAdding): Promise<void> {
  for (const word of words) {
    let found = await surely(() => heads.read(key, noAbort));
    for (;;) {
      const there = wordsOf(found?.bytes);
      if (there.includes(word)) break;
      const bytes = text([...there, word].join(' '));
      const request = { key, bytes, expected: found?.version ?? null, attempt: attempt() };
      const outcome = await surely(() => heads.swap(request, noAbort));
      if (outcome.kind === 'moved') break;
      ({ found } = outcome);
    }
    onAdded?.(word);
  }
}

export function wordsOf(bytes: Uint8Array | undefined): readonly string[] {
  return asText(bytes)?.split(' ') ?? [];
}
