/** Time enters through here. Order never comes from it (generations do): wall time is for people and for expiry. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start; never goes back. For durations. */
  monotonicMs(): number;
  /** Rejects with the signal's reason when it is aborted meanwhile. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
