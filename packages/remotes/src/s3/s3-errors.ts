import { CachelaneError, printable } from '@cachelane/core';
import { ofSource } from '../content/read-source.ts';
import { aborted } from '../base/remote-errors.ts';
import type { S3Bucket } from './s3-client.ts';

/** What a call does decides what a lost answer means. */
export type S3Doing = 'reading' | 'writing';

export interface S3Failure {
  /** The server's word for it, or the system's: `NoSuchKey`, `ECONNREFUSED`. */
  readonly name: string;
  /** Undefined where no answer came. */
  readonly status: number | undefined;
}

/** What little is taken from an error of the SDK; its message may quote what was sent. */
function failureOf(error: unknown): S3Failure {
  const { name, code, Code, $metadata } = error as Record<string, unknown>;
  const status = ($metadata as { readonly httpStatusCode?: unknown } | undefined)?.httpStatusCode;
  // Without an answer it is the system's code that tells, and `Error` tells nothing.
  const words = status === undefined ? [code, name] : [Code, name === 'Error' ? undefined : name, code];
  const word = words.find((text): text is string => typeof text === 'string') ?? 'Error';
  return {
    name: printable(word).slice(0, 80),
    status: typeof status === 'number' ? status : undefined,
  };
}

/** What must have gone wrong before anything was sent. */
const notSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'EPROTO',
]);

export function fromS3(error: unknown, { name: remote }: S3Bucket, doing: S3Doing, signal: AbortSignal): unknown {
  if (error instanceof CachelaneError) return error;
  if (signal.aborted) return aborted(signal);
  const failure = failureOf(error);
  return failure.status === undefined
    ? withoutAnswer(failure, error, { remote, doing })
    : fromAnswer({ ...failure, status: failure.status }, { remote, doing });
}

interface Where {
  readonly remote: string;
  readonly doing: S3Doing;
}

function withoutAnswer({ name }: S3Failure, error: unknown, { remote, doing }: Where): CachelaneError {
  const message = error instanceof Error ? error.message : '';
  if (/^Credentials|^TokenProvider/.test(name) || /credential/i.test(message)) {
    return new CachelaneError('E_REMOTE_DENIED', `there are no credentials for ${remote}`, {
      hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role',
    });
  }
  if (message.startsWith('Region is missing')) {
    return new CachelaneError('E_CONFIG', `nothing says in which region ${remote} is`, {
      hint: 'add ?region=… to it, or set AWS_REGION',
    });
  }
  if (notSent.has(name)) return gone(remote, name);
  // A time limit while connecting, and while waiting for the answer, have the same name; only the first is harmless.
  if (name === 'TimeoutError' && /connection with the server|establish a connection/.test(message)) {
    return gone(remote, 'no connection in time');
  }
  const why = name === 'TimeoutError' ? 'no answer in time' : name;
  return doing === 'reading' ? gone(remote, why) : unknown(remote, why);
}

function fromAnswer(
  { name, status }: { readonly name: string; readonly status: number },
  where: Where,
): CachelaneError {
  const { remote, doing } = where;
  const said = `${remote} says ${name} (${status})`;
  switch (name) {
    case 'NoSuchBucket':
      return new CachelaneError('E_REMOTE_GONE', `there is no bucket for ${remote}`, {
        hint: 'make it, or correct its name, region or endpoint',
      });
    case 'RequestTimeTooSkewed':
      // The SDK has learnt the right time from the answer.
      return new CachelaneError('E_REMOTE_DENIED', `the clock of this machine is wrong: ${said}`, {
        hint: 'set the clock',
        retryable: true,
      });
    case 'InvalidBucketName':
      return new CachelaneError('E_REMOTE_GONE', `that is no name of a bucket: ${said}`);
    case 'NoSuchUpload':
    case 'RequestTimeout':
    case 'BadDigest':
    case 'XAmzContentSHA256Mismatch':
    case 'XAmzContentChecksumMismatch':
      // It got lost or damaged on its way; the server took nothing.
      return gone(remote, `${name} (${status})`);
    case 'QuotaExceeded':
    case 'XMinioStorageFull':
    case 'InsufficientStorage':
    case 'EntityTooLarge':
      return new CachelaneError('E_REMOTE_FULL', `there is no space left: ${said}`, { hint: 'free some space there' });
    case 'SlowDown':
    case 'TooManyRequests':
    case 'OperationAborted':
    case 'ConditionalRequestConflict':
      return new CachelaneError('E_REMOTE_BUSY', said, { retryable: true });
    case 'AccessDenied':
      return doing === 'reading'
        ? denied(said)
        : new CachelaneError('E_REMOTE_READ_ONLY', `these credentials may not write: ${said}`, {
            hint: 'give them the permission, or do not push there',
          });
    case 'ExpiredToken':
    case 'ExpiredTokenException':
      return denied(`the credentials have expired: ${said}`);
    default:
  }
  if (status === 507) return new CachelaneError('E_REMOTE_FULL', `there is no space left: ${said}`);
  if (status === 429) return new CachelaneError('E_REMOTE_BUSY', said, { retryable: true });
  if (status === 401 || status === 403) return denied(said);
  // An answer of something between us and the server, or of a server that does not know itself what became of the request.
  if (status >= 500 || status === 408)
    return doing === 'reading' ? gone(remote, `${name} (${status})`) : unknown(remote, `${name} (${status})`);
  if (status === 301 || status === 307 || name === 'AuthorizationHeaderMalformed') {
    return new CachelaneError('E_REMOTE_DENIED', `it is in another region: ${said}`, { hint: 'add ?region=… to it' });
  }
  if (status === 501) return new CachelaneError('E_REMOTE_UNFIT', `it cannot do what is needed: ${said}`);
  return new CachelaneError('E_REMOTE_UNFIT', `an answer that nobody expects: ${said}`, {
    hint: 'is there an S3 server at its address?',
  });
}

function gone(remote: string, why: string): CachelaneError {
  return new CachelaneError('E_REMOTE_GONE', `${remote} cannot be reached: ${why}`, { retryable: true });
}

function unknown(remote: string, why: string): CachelaneError {
  return new CachelaneError('E_REMOTE_UNKNOWN', `${remote} did not say whether it was done: ${why}`, {
    retryable: true,
  });
}

function denied(said: string): CachelaneError {
  return new CachelaneError('E_REMOTE_DENIED', said, { hint: 'check the credentials and what they may do' });
}

/** One call of the SDK, its errors in our words. */
export async function s3Call<T>(
  bucket: S3Bucket,
  { doing, signal }: { readonly doing: S3Doing; readonly signal: AbortSignal },
  call: () => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw aborted(signal);
  try {
    return await call();
  } catch (error) {
    throw ofSource(error)?.error ?? fromS3(error, bucket, doing, signal);
  }
}

/** The answer to a call, or undefined where its error is one that the caller knows what to do with. */
export async function unlessFailure<T>(
  call: () => Promise<T>,
  isExpected: (failure: S3Failure) => boolean,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof CachelaneError) && isExpected(failureOf(error))) return undefined;
    throw error;
  }
}

/** Of a GET, whose answer has room for the word: a page that is not found is something else's, and no sign of an empty bucket. */
export const isNoSuchKey = ({ name, status }: S3Failure): boolean => status === 404 && name === 'NoSuchKey';

export const isMissingKey = ({ name, status }: S3Failure): boolean =>
  status === 404 && (name === 'NoSuchKey' || name === 'NotFound');

export const isPreconditionFailed = ({ name, status }: S3Failure): boolean =>
  status === 412 || name === 'PreconditionFailed';

/** Whoever stored something says its ETag. What answers 200 without one is something else: a proxy's page, which has stored nothing. Throws E_REMOTE_UNKNOWN. */
export function storedEtag({ name }: S3Bucket, { ETag }: { readonly ETag?: string | undefined }): string {
  if (ETag === undefined || ETag === '') throw unknown(name, 'an answer that is none of an S3 server');
  return ETag;
}
