/** The source of time. Order comes from generations, never from time; wall time is for display and for expiry. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Returns milliseconds from an arbitrary start, for durations. Never decreases. */
  monotonicMs(): number;
  /** Waits. Rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
