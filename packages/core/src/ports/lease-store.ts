import type { SessionId } from '../base/ids.ts';

/** A lock held by this process. The kernel releases it when the process dies. */
export interface Lease extends AsyncDisposable {
  /** The file that the command locks: see `RunRequest.leaseFile`. */
  readonly commandFile: string;
}

/**
 * Leases of live sessions. Process ids would not work across PID namespaces, such as containers that share a home. A
 * session is held while its client process or any process of its command lives.
 */
export interface LeaseStore {
  acquire(sessionId: SessionId, signal: AbortSignal): Promise<Lease>;
  isHeld(sessionId: SessionId, signal: AbortSignal): Promise<boolean>;
}
