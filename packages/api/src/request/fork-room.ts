import { CachelaneError } from '@cachelane/core';

/** Open forks of one client. Each has directories and open files. */
export const forksOfClient = 1000;

/** Open forks of an engine: several for each of a thousand clients, with two open files each. */
export const forksOfEngine = 4000;

/** Limits the number of open and opening forks. */
export class ForkRoom {
  private taken = 0;
  private readonly atMost: number;
  private readonly engine: ForkRoom | null;

  /** `engine` is the engine's own limit, which also counts; null for the engine itself. */
  constructor(atMost: number, engine: ForkRoom | null) {
    this.atMost = atMost;
    this.engine = engine;
  }

  /** Takes one place, until it is disposed. Errors: E_LIMIT. */
  take(): Disposable {
    if (this.taken >= this.atMost) throw this.full();
    const there = this.engine?.take();
    this.taken += 1;
    let isTaken = true;
    return {
      [Symbol.dispose]: () => {
        if (!isTaken) return;
        isTaken = false;
        this.taken -= 1;
        there?.[Symbol.dispose]();
      },
    };
  }

  private full(): CachelaneError {
    const whose = this.engine === null ? 'engine' : 'session';
    return new CachelaneError(
      'E_LIMIT',
      `there are already ${this.atMost} forks of this ${whose}, which is the limit`,
      this.engine === null
        ? { hint: 'wait until some have ended, or start another engine: cachelane serve --listen', retryable: true }
        : { hint: 'commit or discard forks that are done' },
    );
  }
}
