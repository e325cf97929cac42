import { SimulatedCrash, type CrashPoint } from '../metadata/crashing-metadata.ts';

/** A process that dies at one operation of any of its ports. */
export interface DyingProcess {
  /** Names of the operations so far. Those of an undisturbed run are the points to crash at. */
  readonly operations: readonly string[];
  readonly isDead: boolean;
  /** Wraps a port (methods only). Once dead, every call throws {@link SimulatedCrash}. */
  wrap<T extends object>(port: T): T;
}

/** When to die. `during` writes half of a `write…`; for other operations it is `before`. */
export interface DeathPoint extends Omit<CrashPoint, 'when'> {
  readonly when: CrashPoint['when'] | 'during';
}

/** Returns a point for every state that a process can leave. Dying before an operation equals dying after the previous one. */
export function deathPoints(operations: readonly string[]): readonly DeathPoint[] {
  const points = operations.flatMap((name, i): readonly DeathPoint[] => [
    ...(name.startsWith('write') ? [{ operation: i + 1, when: 'during' } as const] : []),
    { operation: i + 1, when: 'after' },
  ]);
  return [{ operation: 1, when: 'before' }, ...points];
}

type Method = (...args: unknown[]) => unknown;

/**
 * Operations of several ports count as one sequence.
 *
 * ```ts
 * const process = dyingProcess({ operation: 7, when: 'after' });
 * const layers = openLayerFiles({ dir, bootId, clock, files: process.wrap(realFiles) });
 * ```
 */
export function dyingProcess(point: DeathPoint): DyingProcess {
  const operations: string[] = [];
  let isDead = false;
  const die = (name: string): never => {
    isDead = true;
    throw new SimulatedCrash(`${point.when} operation ${point.operation}, ${name}`);
  };
  const step = (name: string, method: Method, args: readonly unknown[]): unknown => {
    if (isDead) throw new SimulatedCrash('the process is already dead');
    if (operations.push(name) !== point.operation) return method(...args);
    if (point.when === 'during') writeHalf(name, method, args);
    if (point.when !== 'after') return die(name);
    return actThen(method, args, () => die(name));
  };
  return {
    operations,
    get isDead() {
      return isDead;
    },
    wrap<T extends object>(port: T): T {
      return new Proxy(port, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== 'function' || typeof key !== 'string') return value;
          const method: Method = (...args) => (value as Method).apply(target, args);
          return (...args: readonly unknown[]) => step(key, method, args);
        },
      });
    },
  };
}

/** The operation may have failed: the caller learns neither. */
function actThen(method: Method, args: readonly unknown[], die: () => never): unknown {
  let result: unknown;
  try {
    result = method(...args);
  } catch {
    return die();
  }
  return result instanceof Promise ? result.then(die, die) : die();
}

/** For operations named `write…` that take a path and bytes. */
function writeHalf(name: string, method: Method, args: readonly unknown[]): void {
  const [path, content] = args;
  if (name.startsWith('write') && content instanceof Uint8Array) method(path, content.subarray(0, content.length >> 1));
}
