import type { SessionId } from '../base/ids.ts';

/** Held by this process; freed by the kernel when the process dies in whatever way. */
export interface Lease extends AsyncDisposable {
  /** For the command to hold: see `RunRequest.leaseFile`. */
  readonly commandFile: string;
}

/**
 * Who is alive, without process ids: those mean nothing across PID namespaces (containers that share a home).
 * A session is held while its client process or any process of its command lives.
 */
export interface LeaseStore {
  acquire(sessionId: SessionId, signal: AbortSignal): Promise<Lease>;
  isHeld(sessionId: SessionId, signal: AbortSignal): Promise<boolean>;
}
