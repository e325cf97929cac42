import { busy } from './refused.ts';

export interface TurnLimits {
  readonly atOnce: number;
  readonly waiting: number;
  /** Time after which an operation gives up its turn, if `late` allows. */
  readonly turnMs: number;
  /** Number of operations that may continue without a turn. */
  readonly late: number;
}

/**
 * Whether the operation may wait for another one, as an attach waits for a commit. Such operations are not counted as
 * late.
 */
export interface TurnFor {
  readonly waitsForOthers: boolean;
}

/** Limits concurrent operations. The others wait in order. */
export class Turns {
  private free: number;
  /** Counted operations that continue without a turn. */
  private late = 0;
  private readonly limits: TurnLimits;
  private readonly waiting = new Set<() => void>();
  /** Operations past their time that keep their turn until a late place is free. */
  private readonly overdue = new Set<() => void>();

  constructor(limits: TurnLimits) {
    this.limits = limits;
    this.free = limits.atOnce;
  }

  /** Waits for a turn. Throws `Refused` (503) if too many wait, or the signal's reason. */
  async take(signal: AbortSignal, { waitsForOthers }: TurnFor): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.free > 0) this.free -= 1;
    else await this.wait(signal);
    let state: 'in turn' | 'late' | 'over' = 'in turn';
    const goOnLate = (): void => {
      state = 'late';
      this.overdue.delete(goOnLate);
      if (!waitsForOthers) this.late += 1;
      this.handOn();
    };
    const beOverdue = (): void => {
      if (waitsForOthers || this.late < this.limits.late) goOnLate();
      else this.overdue.add(goOnLate);
    };
    const timer = setTimeout(beOverdue, this.limits.turnMs).unref();
    return {
      [Symbol.dispose]: () => {
        const before = state;
        state = 'over';
        clearTimeout(timer);
        this.overdue.delete(goOnLate);
        if (before === 'in turn') this.handOn();
        if (before === 'late' && !waitsForOthers) this.letOneBeLate();
      },
    };
  }

  /** Passes the turn to the first that waits, so that nothing overtakes it. */
  private handOn(): void {
    const [next] = this.waiting;
    if (next === undefined) this.free += 1;
    else next();
  }

  private letOneBeLate(): void {
    this.late -= 1;
    const [next] = this.overdue;
    next?.();
  }

  private async wait(signal: AbortSignal): Promise<void> {
    if (this.waiting.size >= this.limits.waiting) throw busy(`${this.limits.waiting} operations are already waiting`);
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
