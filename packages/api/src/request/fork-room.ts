import { CachelaneError } from '@cachelane/core';

/** Forks of one client at one time: each has directories, and files that are held open. */
export const forksOfClient = 1000;

/** Of all clients of one engine together: several for each of a thousand clients, and two files each that are held open. */
export const forksOfEngine = 4000;

/** Room for forks: those that there are, and those that are on their way. */
export class ForkRoom {
  private taken = 0;
  private readonly atMost: number;
  private readonly engine: ForkRoom | null;

  /** `engine`: what a session takes here is taken there, too; null where this is the engine's. */
  constructor(atMost: number, engine: ForkRoom | null) {
    this.atMost = atMost;
    this.engine = engine;
  }

  /** Disposed of when the fork has ended, or has not come to be. Errors: E_LIMIT. */
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
      `there are ${this.atMost} forks, and no more of one ${whose} at one time`,
      this.engine === null
        ? { hint: 'wait until some have ended, or start another engine: cachelane serve --listen', retryable: true }
        : { hint: 'commit or discard those that are done' },
    );
  }
}
