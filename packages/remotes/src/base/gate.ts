import { aborted } from './remote-errors.ts';

export interface Gate {
  /** Waits for a place, first come, first served. The caller calls the result to leave. */
  enter(signal: AbortSignal): Promise<() => void>;
  pass<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T>;
}

/** Returns a gate that lets `places` callers in at once. */
export function openGate(places: number): Gate {
  let free = places;
  const waiting = new Set<() => void>();
  const leaveOnce = (): (() => void) => {
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      const [next] = waiting;
      if (next === undefined) free += 1;
      else next();
    };
  };
  const enter: Gate['enter'] = (signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(aborted(signal));
        return;
      }
      if (free > 0) {
        free -= 1;
        resolve(leaveOnce());
        return;
      }
      const giveUp = (): void => {
        waiting.delete(goIn);
        reject(aborted(signal));
      };
      const goIn = (): void => {
        waiting.delete(goIn);
        signal.removeEventListener('abort', giveUp);
        resolve(leaveOnce());
      };
      waiting.add(goIn);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  return {
    enter,
    async pass(signal, act) {
      const leave = await enter(signal);
      try {
        return await act();
      } finally {
        leave();
      }
    },
  };
}
