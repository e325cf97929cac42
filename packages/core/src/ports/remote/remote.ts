import type { ErrorCode } from '../../base/errors.ts';
import type { RemoteHeads } from './remote-heads.ts';
import type { RemoteObjects } from './remote-objects.ts';

/**
 * A directory or bucket where machines share layers and heads. Errors of all calls; their messages never contain a key, a token, a
 * signature, or a URL with one:
 *
 * | code | meaning | retryable |
 * | --- | --- | --- |
 * | E_REMOTE_GONE | unreachable or missing; nothing was changed | by cause |
 * | E_REMOTE_BUSY | overloaded; nothing was changed | yes |
 * | E_REMOTE_UNKNOWN | the answer was lost: the request may take effect, now or later | yes, all calls are idempotent |
 * | E_REMOTE_DENIED | wrong or missing credentials, or no permission to read | no, except after a wrong clock |
 * | E_REMOTE_READ_ONLY | this client may read but not write | no |
 * | E_REMOTE_FULL | no space, or a quota is exhausted | no |
 * | E_REMOTE_UNFIT | a needed feature is missing (compare-and-swap, hard links) | no |
 * | E_OBJECT_CORRUPT | content does not match its digest or size | no |
 * | E_ABORTED | the signal | no |
 */
export interface Remote extends AsyncDisposable {
  /** For people: `s3://bucket/prefix`, `dir:/mnt/cache`. */
  readonly name: string;
  /** How long other machines may still see an earlier state after a change. */
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

/** What happens at a remote, for reporters. */
export type RemoteEvent =
  | {
      readonly type: 'remote-call';
      readonly remote: string;
      readonly operation: RemoteOperation;
      /** A key, or a prefix. */
      readonly key: string;
      /** The content transferred so far. */
      readonly sizeBytes: number;
      /** Until the last byte. */
      readonly durationMs: number;
      /** `stored`, `moved`, `conflict`, …, or an error code. */
      readonly outcome: string;
    }
  | {
      readonly type: 'remote-retry';
      readonly remote: string;
      readonly operation: RemoteOperation;
      readonly key: string;
      /** 1 for the first failure. */
      readonly failures: number;
      readonly code: ErrorCode;
      readonly waitMs: number;
    };
