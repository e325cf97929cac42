import { CachelaneError, printable } from '@cachelane/core';
import { ofSource } from '../content/read-source.ts';
import { aborted } from '../base/remote-errors.ts';
import type { S3Bucket } from './s3-client.ts';

/** Whether a call changes the bucket, which decides what a lost answer means. */
export type S3Doing = 'reading' | 'writing';

export interface S3Failure {
  /** The error code of the server or the system: `NoSuchKey`, `ECONNREFUSED`. */
  readonly name: string;
  /** Undefined without an answer. */
  readonly status: number | undefined;
}

/** Takes only codes from an SDK error, because its message may quote the request. */
function failureOf(error: unknown): S3Failure {
  const { name, code, Code, $metadata } = error as Record<string, unknown>;
  const status = ($metadata as { readonly httpStatusCode?: unknown } | undefined)?.httpStatusCode;
  // Without an answer, prefer the system's code; `Error` says nothing.
  const words = status === undefined ? [code, name] : [Code, name === 'Error' ? undefined : name, code];
  const word = words.find((text): text is string => typeof text === 'string') ?? 'Error';
  return {
    name: printable(word).slice(0, 80),
    status: typeof status === 'number' ? status : undefined,
  };
}

/** Failures before anything was sent. */
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
    return new CachelaneError('E_CONFIG', `the region of ${remote} is not set`, {
      hint: 'add ?region=… to it, or set AWS_REGION',
    });
  }
  if (notSent.has(name)) return gone(remote, name);
  // Timeouts while connecting and while waiting have the same name; only the first is harmless.
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
        hint: 'create it, or correct its name, region or endpoint',
      });
    case 'RequestTimeTooSkewed':
      // The SDK learned the right time from the answer.
      return new CachelaneError('E_REMOTE_DENIED', `the clock of this machine is wrong: ${said}`, {
        hint: 'set the clock',
        retryable: true,
      });
    case 'InvalidBucketName':
      return new CachelaneError('E_REMOTE_GONE', `the bucket name is not valid: ${said}`);
    case 'NoSuchUpload':
    case 'RequestTimeout':
    case 'BadDigest':
    case 'XAmzContentSHA256Mismatch':
    case 'XAmzContentChecksumMismatch':
      // The request was damaged on its way; the server refused it.
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
            hint: 'grant write access (s3:PutObject), or do not push there',
          });
    case 'ExpiredToken':
    case 'ExpiredTokenException':
      return denied(`the credentials have expired: ${said}`);
    default:
  }
  if (status === 507) return new CachelaneError('E_REMOTE_FULL', `there is no space left: ${said}`);
  if (status === 429) return new CachelaneError('E_REMOTE_BUSY', said, { retryable: true });
  if (status === 401 || status === 403) return denied(said);
  // The answer of a proxy, or of a server that does not know whether the request took effect.
  if (status >= 500 || status === 408)
    return doing === 'reading' ? gone(remote, `${name} (${status})`) : unknown(remote, `${name} (${status})`);
  if (status === 301 || status === 307 || name === 'AuthorizationHeaderMalformed') {
    return new CachelaneError('E_REMOTE_DENIED', `it is in another region: ${said}`, { hint: 'add ?region=… to it' });
  }
  if (status === 501) return new CachelaneError('E_REMOTE_UNFIT', `a needed feature is missing: ${said}`);
  return new CachelaneError('E_REMOTE_UNFIT', `unexpected answer: ${said}`, {
    hint: 'is there an S3 server at its address?',
  });
}

function gone(remote: string, why: string): CachelaneError {
  return new CachelaneError('E_REMOTE_GONE', `${remote} cannot be reached: ${why}`, { retryable: true });
}

function unknown(remote: string, why: string): CachelaneError {
  return new CachelaneError('E_REMOTE_UNKNOWN', `${remote} did not confirm the request: ${why}`, {
    retryable: true,
  });
}

function denied(said: string): CachelaneError {
  return new CachelaneError('E_REMOTE_DENIED', said, { hint: 'check the credentials and their permissions' });
}

/** Makes one SDK call and translates its errors. */
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

/** Returns the answer, or undefined for an expected failure. */
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

/** For GET, which names the error: a 404 page of another program does not mean that the key is missing. */
export const isNoSuchKey = ({ name, status }: S3Failure): boolean => status === 404 && name === 'NoSuchKey';

export const isMissingKey = ({ name, status }: S3Failure): boolean =>
  status === 404 && (name === 'NoSuchKey' || name === 'NotFound');

export const isPreconditionFailed = ({ name, status }: S3Failure): boolean =>
  status === 412 || name === 'PreconditionFailed';

/**
 * Returns the ETag of a stored object. A 200 answer without one comes from a proxy, which stored nothing. Throws
 * E_REMOTE_UNKNOWN.
 */
export function storedEtag({ name }: S3Bucket, { ETag }: { readonly ETag?: string | undefined }): string {
  if (ETag === undefined || ETag === '') throw unknown(name, 'not the answer of an S3 server');
  return ETag;
}
