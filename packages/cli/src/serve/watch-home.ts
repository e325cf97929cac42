import { isCachelaneError, type CachelaneError, type Clock } from '@cachelane/core';

/** How often an engine checks that its home still exists. */
const everyMs = 5000;

export interface HomeWatch extends Disposable {
  /** Resolves with the reason when the home is unusable; never after disposal. */
  readonly lost: Promise<CachelaneError>;
}

/** Stops when `check` throws E_HOME_UNUSABLE. Other errors are ignored. */
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
  // Ends on disposal.
  watch().catch(() => undefined);
  return { lost: promise, [Symbol.dispose]: () => ending.abort() };
}
