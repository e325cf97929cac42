export interface IdleRules {
  /** Milliseconds until the first client has come. */
  readonly firstMs: number;
  /** Milliseconds after the last client has gone, in which another may come. */
  readonly graceMs: number;
  /** Whether there is somebody who has no connection at this moment; asked when it would end. */
  readonly isAwaited: () => boolean;
}

export interface IdleWatch extends Disposable {
  /** To be told how many there are, whenever that changes. */
  readonly onClients: (count: number) => void;
  /** Resolves when nobody is there and nobody came in time; never after it was disposed. */
  readonly idle: Promise<void>;
}

/** Tells when an engine has nobody left to serve. */
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
