import { once } from 'node:events';
import { limits } from '@cachelane/core';
import { aborted } from '../base/remote-errors.ts';

// A network file system whose server is gone answers nothing, not even an error, and the system's calls cannot be taken back.

export interface Patience {
  readonly signal: AbortSignal;
  /** Told of work that is left alone. */
  readonly onAbandoned: (work: Promise<unknown>) => void;
}

/** What comes of the work; a moment after `signal`, E_ABORTED: then it is left alone, and whatever becomes of it nobody hears. */
export async function orAbandoned<T>(work: Promise<T>, { signal, onAbandoned }: Patience): Promise<T> {
  const done = new AbortController();
  const giveUp = async (): Promise<never> => {
    await stopped(signal, done.signal);
    onAbandoned(work);
    throw aborted(signal);
  };
  try {
    return await Promise.race([work, giveUp()]);
  } finally {
    done.abort();
    work.catch(() => undefined);
  }
}

async function stopped(signal: AbortSignal, done: AbortSignal): Promise<void> {
  try {
    if (!signal.aborted) await once(signal, 'abort', { signal: done });
    await once(AbortSignal.timeout(limits.remoteAbandonMs), 'abort', { signal: done });
  } catch {
    // The work was done in time.
    await new Promise<never>(() => undefined);
  }
}

/** Pieces as they come, as long as each comes. */
export async function* piecesOrAbandoned<T>(pieces: AsyncIterable<T>, patience: Patience): AsyncIterable<T> {
  const iterator = pieces[Symbol.asyncIterator]();
  let isStuck = false;
  try {
    for (;;) {
      isStuck = true;
      const next = await orAbandoned(iterator.next(), patience);
      isStuck = false;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    const end = iterator.return?.();
    if (isStuck) end?.catch(() => undefined);
    else await end;
  }
}
