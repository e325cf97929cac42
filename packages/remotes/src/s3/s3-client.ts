import { CachelaneError, limits } from '@cachelane/core';
import { openGate, type Gate } from '../base/gate.ts';
import { bucketName, type S3Address } from '../base/remote-address.ts';
import type { AwsSdk } from './aws-sdk.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The client, and what a driver needs to know about its bucket. */
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
  /** Whether conditions quote ETags, as far as known: the standard quotes them, Ceph accepts only unquoted ones. */
  quotesEtags: boolean;
  /** Limits the memory of uploads. */
  readonly parts: Gate;
}

export interface S3Settings {
  readonly address: S3Address;
  /** Gives region and endpoint unless the address does. The SDK finds credentials itself. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Replaces the credentials that the SDK finds in environment, files and the machine's role. */
  readonly credentials?: S3Credentials;
  readonly silenceMs?: number;
  /** For tests: the error of this machine's clock. */
  readonly clockOffsetMs?: number;
}

const quiet = (): void => undefined;

/** Opens a bucket; loads the SDK. */
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
    // Other servers accept any region.
    (endpoint === undefined ? undefined : 'us-east-1');
  const client = new sdk.S3Client({
    // Other servers rarely resolve bucket names as hosts.
    ...(endpoint === undefined ? { followRegionRedirects: true } : { endpoint, forcePathStyle: true }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    // Our own decorator retries, because it knows what is idempotent and when to stop.
    maxAttempts: 1,
    // Other servers do not know the newer checksums. Bodies are signed with their SHA-256, which every server checks.
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
    // The bundle was copied without its companion file.
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
