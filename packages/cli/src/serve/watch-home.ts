import { isCachelaneError, type CachelaneError, type Clock } from '@cachelane/core';

/** How often an engine looks whether its home is there: another one may start in a new home at the same place meanwhile. */
const everyMs = 5000;

export interface HomeWatch extends Disposable {
  /** Resolves, with why, when the home cannot be used any more; never after it was disposed. */
  readonly lost: Promise<CachelaneError>;
}

/** `check` throws E_HOME_UNUSABLE then; whatever else it throws passes. */
export function watchHome(clock: Clock, check: () => Promise<void>): HomeWatch {
  const { promise, resolve } = Promise.withResolvers<CachelaneError>();
  const ending = new AbortController();
  const watch = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(everyMs, ending.signal);
      await check().catch((error: unknown) => {
        if (isCachelaneError(error, 'E_HOME_UNUSABLE')) resolve(error);
      });
    }
  };
  // It ends when it is disposed of.
  watch().catch(() => undefined);
  return { lost: promise, [Symbol.dispose]: () => ending.abort() };
}
