/** The state of a run's command. */
export interface CommandPhase {
  /** `lost`: it was started, and the runtime failed to report its end. */
  state: 'not-started' | 'running' | 'ended' | 'lost';
}
