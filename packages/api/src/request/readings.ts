/** Runs reads of whole volumes one at a time. They share one thread: parallel reads are no faster and need more memory. */
export class Readings {
  private last: Promise<unknown> = Promise.resolve();

  /** Runs `read` when its turn comes. Throws the signal's reason if it aborted before. */
  async take<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
    const mine = this.last.then(async () => {
      signal.throwIfAborted();
      return await read();
    });
    this.last = mine.catch(() => undefined);
    return await mine;
  }
}
