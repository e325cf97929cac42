export interface IdleRules {
  /** Milliseconds to wait for the first client. */
  readonly firstMs: number;
  /** Milliseconds to wait for another client after the last one has gone. */
  readonly graceMs: number;
  /** Returns whether a client without a connection may come back. Asked before ending. */
  readonly isAwaited: () => boolean;
}

export interface IdleWatch extends Disposable {
  /** Call this when the number of clients changes. */
  readonly onClients: (count: number) => void;
  /** Resolves when the wait is over; never after disposal. */
  readonly idle: Promise<void>;
}

/** Watches for the time when an engine has no more clients. */
export function watchIdle({ firstMs, graceMs, isAwaited }: IdleRules): IdleWatch {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    if (isAwaited()) timer = setTimeout(look, graceMs);
    else resolve();
  };
  let timer = setTimeout(look, firstMs);
  return {
    onClients: (count) => {
      clearTimeout(timer);
      if (count === 0) timer = setTimeout(look, graceMs);
    },
    idle: promise,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
    },
  };
}
