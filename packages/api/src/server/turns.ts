import { busy } from './refused.ts';

export interface TurnLimits {
  readonly atOnce: number;
  readonly waiting: number;
  /** How long one keeps others waiting at most, as far as `late` goes. */
  readonly turnMs: number;
  /** So many of those that take longer go on without a turn, beside the others. */
  readonly late: number;
}

/** Whether it may wait for another one to come to its end, as an attach does for a commit: then no number of them keeps others waiting. */
export interface TurnFor {
  readonly waitsForOthers: boolean;
}

/** So many at once; others wait, the first to come is the first to go. */
export class Turns {
  private free: number;
  /** That go on without a turn, of those that count. */
  private late = 0;
  private readonly limits: TurnLimits;
  private readonly waiting = new Set<() => void>();
  /** That are over their time, and keep their turn until there is room for them among the late. */
  private readonly overdue = new Set<() => void>();

  constructor(limits: TurnLimits) {
    this.limits = limits;
    this.free = limits.atOnce;
  }

  /** Throws `Refused` (503) where too many wait, and the signal's reason where that comes first. */
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

  /** A turn goes from hand to hand: nobody who comes now gets ahead of those who wait. */
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
