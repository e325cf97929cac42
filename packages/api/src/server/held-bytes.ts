/** Limits the bytes that all requests hold together. */
export class HeldBytes {
  private held = 0;
  private readonly atMost: number;

  constructor(atMost: number) {
    this.atMost = atMost;
  }

  /** Returns false, and counts nothing, if there is no room. */
  take(bytes: number): boolean {
    if (this.held + bytes > this.atMost) return false;
    this.held += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.held -= bytes;
  }
}
