import { busy } from './refused.ts';

/** So many at once; others wait, the first to come is the first to go. */
export class Turns {
  private free: number;
  private readonly waitingAtMost: number;
  private readonly waiting = new Set<() => void>();

  constructor(atOnce: number, waitingAtMost: number) {
    this.free = atOnce;
    this.waitingAtMost = waitingAtMost;
  }

  /** Throws `Refused` (503) where too many wait, and the signal's reason where that comes first. */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.free > 0) this.free -= 1;
    else await this.wait(signal);
    return {
      [Symbol.dispose]: () => {
        // A turn goes from hand to hand: nobody who comes now gets ahead of those who wait.
        const [next] = this.waiting;
        if (next === undefined) this.free += 1;
        else next();
      },
    };
  }

  private async wait(signal: AbortSignal): Promise<void> {
    if (this.waiting.size >= this.waitingAtMost) throw busy(`${this.waitingAtMost} operations wait already`);
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
