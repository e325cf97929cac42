import type { ErrorCode } from '../../base/errors.ts';
import type { RemoteHeads } from './remote-heads.ts';
import type { RemoteObjects } from './remote-objects.ts';

/**
 * A place where machines share layers and heads: a directory, a bucket. Errors of all its calls, whose messages never hold a key, a token, a
 * signature, or a URL with one:
 *
 * | code | meaning | retryable |
 * | --- | --- | --- |
 * | E_REMOTE_GONE | it cannot be reached, or is not there; nothing was changed | by cause |
 * | E_REMOTE_BUSY | it asks for patience; nothing was changed | yes |
 * | E_REMOTE_UNKNOWN | the answer got lost: what was asked for may have happened, or may yet happen | yes, every call is made for it |
 * | E_REMOTE_DENIED | wrong or missing credentials, or no permission to read | but for a wrong clock, no |
 * | E_REMOTE_READ_ONLY | this client may read but not write there | no |
 * | E_REMOTE_FULL | no space, or a quota is used up | no |
 * | E_REMOTE_UNFIT | it cannot do what is needed (no compare-and-swap, no hard links) | no |
 * | E_OBJECT_CORRUPT | content is not what it is said to be | no |
 * | E_ABORTED | the signal | no |
 */
export interface Remote extends AsyncDisposable {
  /** For people: `s3://bucket/prefix`, `dir:/mnt/cache`. */
  readonly name: string;
  /** For how long another machine may go on seeing an earlier state of what was changed. */
  readonly lagMs: number;
  readonly objects: RemoteObjects;
  readonly heads: RemoteHeads;
}

export type RemoteOperation =
  | 'put'
  | 'renew'
  | 'get'
  | 'stat'
  | 'list'
  | 'remove'
  | 'sweep'
  | 'read head'
  | 'swap head'
  | 'remove head'
  | 'remove damaged head'
  | 'list heads';

/** What is going on with a remote, for reporters. */
export type RemoteEvent =
  | {
      readonly type: 'remote-call';
      readonly remote: string;
      readonly operation: RemoteOperation;
      /** A key, or a prefix. */
      readonly key: string;
      /** Content that went over the wire, as far as it did. */
      readonly sizeBytes: number;
      /** Until the last byte. */
      readonly durationMs: number;
      /** `stored`, `moved`, `conflict`, …; or the code of the error. */
      readonly outcome: string;
    }
  | {
      readonly type: 'remote-retry';
      readonly remote: string;
      readonly operation: RemoteOperation;
      readonly key: string;
      /** 1 for the first that failed. */
      readonly failures: number;
      readonly code: ErrorCode;
      readonly waitMs: number;
    };
