export interface IdleLimits {
  /** Milliseconds until the first client has come. */
  readonly firstMs: number;
  /** Milliseconds after the last client has gone, in which another may come. */
  readonly graceMs: number;
}

export interface IdleWatch extends Disposable {
  /** To be told how many there are, whenever that changes. */
  readonly onClients: (count: number) => void;
  /** Resolves when nobody is there and nobody came in time; never after it was disposed. */
  readonly idle: Promise<void>;
}

/** Tells when an engine has nobody left to serve. */
export function watchIdle({ firstMs, graceMs }: IdleLimits): IdleWatch {
  const { promise, resolve } = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined = setTimeout(resolve, firstMs);
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    onClients: (count) => {
      stop();
      if (count === 0) timer = setTimeout(resolve, graceMs);
    },
    idle: promise,
    [Symbol.dispose]: stop,
  };
}
