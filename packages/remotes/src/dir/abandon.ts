import { once } from 'node:events';
import { limits } from '@cachelane/core';
import { aborted } from '../base/remote-errors.ts';

// A network file system without its server never answers, and system calls cannot be cancelled.

export interface Patience {
  readonly signal: AbortSignal;
  /** Called with abandoned work. */
  readonly onAbandoned: (work: Promise<unknown>) => void;
}

/** Returns the result of the work. Shortly after `signal` aborts, throws E_ABORTED and ignores the work. */
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
    // The work finished in time.
    await new Promise<never>(() => undefined);
  }
}

/** Yields pieces while each arrives in time. */
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
