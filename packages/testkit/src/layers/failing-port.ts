/** A port of which one operation fails. */
export interface FailingPort<T> {
  readonly port: T;
  /** Operations so far; those of an undisturbed run are the points at which to fail. */
  readonly operations: number;
}

export interface FailPoint {
  /** 1 for the first operation; beyond the last one nothing fails. */
  readonly operation: number;
  /** What it throws, `ENOSPC` and the like. */
  readonly code: string;
}

/** The methods of `port`, of which one throws an error of the system instead of acting; those after it work again. */
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
