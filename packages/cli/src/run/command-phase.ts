/** Where the one command of a run stands. */
export interface CommandPhase {
  /** `lost`: it was started, and the runtime failed to tell its end. */
  state: 'not-started' | 'running' | 'ended' | 'lost';
}
