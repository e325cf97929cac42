/** Counts what is held at once for all requests together. */
export class HeldBytes {
  private held = 0;
  private readonly atMost: number;

  constructor(atMost: number) {
    this.atMost = atMost;
  }

  /** False: there is no room, and nothing was counted. */
  take(bytes: number): boolean {
    if (this.held + bytes > this.atMost) return false;
    this.held += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.held -= bytes;
  }
}
