import { busy } from './refused.ts';

export interface TurnLimits {
  readonly atOnce: number;
  readonly waiting: number;
  /** How long one keeps others waiting at most: what takes longer waits for something itself, and maybe for one of them. */
  readonly turnMs: number;
}

/** So many at once; others wait, the first to come is the first to go. */
export class Turns {
  private free: number;
  private readonly limits: TurnLimits;
  private readonly waiting = new Set<() => void>();

  constructor(limits: TurnLimits) {
    this.limits = limits;
    this.free = limits.atOnce;
  }

  /** Throws `Refused` (503) where too many wait, and the signal's reason where that comes first. */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.free > 0) this.free -= 1;
    else await this.wait(signal);
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      // A turn goes from hand to hand: nobody who comes now gets ahead of those who wait.
      const [next] = this.waiting;
      if (next === undefined) this.free += 1;
      else next();
    };
    const timer = setTimeout(end, this.limits.turnMs).unref();
    return { [Symbol.dispose]: end };
  }

  private async wait(signal: AbortSignal): Promise<void> {
    if (this.waiting.size >= this.limits.waiting) throw busy(`${this.limits.waiting} operations wait already`);
    await new Promise<void>((resolve, reject) => {
      const go = (): void => {
        this.waiting.delete(go);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.waiting.delete(go);
        reject(signal.reason as Error);
      };
      this.waiting.add(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
