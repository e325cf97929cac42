/** A port with one failing operation. */
export interface FailingPort<T> {
  readonly port: T;
  /** Operations so far. Those of an undisturbed run are the points to fail at. */
  readonly operations: number;
}

export interface FailPoint {
  /** Operation 1 is the first; numbers after the last fail nothing. */
  readonly operation: number;
  /** The error code, `ENOSPC` and the like. */
  readonly code: string;
}

/** Wraps `port` so that one call throws a system error without acting. */
export function failingPort<T extends object>(port: T, point: FailPoint): FailingPort<T> {
  let operations = 0;
  return {
    get operations() {
      return operations;
    },
    port: new Proxy(port, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function' || typeof key !== 'string') return value;
        return (...args: unknown[]): unknown => {
          if (++operations === point.operation) {
            throw Object.assign(new Error(`${point.code}: simulated, ${key}`), { code: point.code });
          }
          return (value as (...args: unknown[]) => unknown).apply(target, args);
        };
      },
    }),
  };
}
