import { CachelaneError, limits } from '@cachelane/core';
import { openGate, type Gate } from '../base/gate.ts';
import { bucketName, type S3Address } from '../base/remote-address.ts';
import type { AwsSdk } from './aws-sdk.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The client with everything that a driver needs to know about its bucket. */
export interface S3Bucket {
  readonly sdk: AwsSdk;
  readonly client: InstanceType<AwsSdk['S3Client']>;
  readonly bucket: string;
  /** '' or `prefix/`. */
  readonly prefix: string;
  /** For people. */
  readonly name: string;
  /** How long a connection may be silent. */
  readonly silenceMs: number;
  /** How an ETag is written in a condition, as far as is known: the standard says quoted; Ceph knows the unquoted one only. */
  quotesEtags: boolean;
  /** Bounds what uploads hold in memory. */
  readonly parts: Gate;
}

export interface S3Settings {
  readonly address: S3Address;
  /** Region and endpoint are looked up here where the address names none; credentials are the SDK's own business. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Instead of those that the SDK finds in environment, files, and the machine's role. */
  readonly credentials?: S3Credentials;
  readonly silenceMs?: number;
  /** For tests: how wrong this machine's clock is. */
  readonly clockOffsetMs?: number;
}

const quiet = (): void => undefined;

/** Loads the SDK: called when a bucket is first used. */
export async function openBucket({
  address,
  env,
  credentials,
  silenceMs = limits.remoteSilenceMs,
  clockOffsetMs = 0,
}: S3Settings): Promise<S3Bucket> {
  const sdk = await loadSdk();
  const endpoint = address.endpoint ?? nonEmpty(env['AWS_ENDPOINT_URL_S3']) ?? nonEmpty(env['AWS_ENDPOINT_URL']);
  const region =
    address.region ??
    nonEmpty(env['AWS_REGION']) ??
    nonEmpty(env['AWS_DEFAULT_REGION']) ??
    // Servers other than AWS's take any.
    (endpoint === undefined ? undefined : 'us-east-1');
  const client = new sdk.S3Client({
    // Names of buckets are seldom names of hosts elsewhere.
    ...(endpoint === undefined ? { followRegionRedirects: true } : { endpoint, forcePathStyle: true }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    // Trying again is ours: only we know what may be repeated, and when somebody wants to stop.
    maxAttempts: 1,
    // Servers other than AWS's do not know the newer checksums. Bodies are signed with their SHA-256, which every server checks.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: Math.min(10_000, silenceMs), socketTimeout: silenceMs },
    logger: { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
    systemClockOffset: clockOffsetMs,
  });
  const { bucket, prefix } = address;
  return {
    sdk,
    client,
    bucket,
    prefix: prefix === '' ? '' : `${prefix}/`,
    name: bucketName(address),
    silenceMs,
    quotesEtags: endpoint === undefined,
    parts: openGate(limits.remoteParallelParts),
  };
}

async function loadSdk(): Promise<AwsSdk> {
  try {
    return (await import('./aws-sdk.ts')).awsSdk;
  } catch (error) {
    // A bundle that was copied without its companion.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new CachelaneError(
      'E_CONFIG',
      'this copy of cachelane cannot use buckets: cachelane-s3.cjs is not beside it',
      {
        hint: 'copy cachelane-s3.cjs to where cachelane.cjs is',
        cause: error,
      },
    );
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
