/**
 * Carries readings of whole volumes out one after the other. All of them are work for the one thread that there is: at once they take as long, and as much more
 * memory as there are of them.
 */
export class Readings {
  private last: Promise<unknown> = Promise.resolve();

  /** Errors: the signal's reason where it is aborted before its turn comes, and those of `read`. */
  async take<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
    const mine = this.last.then(async () => {
      signal.throwIfAborted();
      return await read();
    });
    this.last = mine.catch(() => undefined);
    return await mine;
  }
}
