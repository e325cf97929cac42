import { unreachable, type Clock, type Random, type Remote, type RemoteEvent } from '@cachelane/core';
import { limited } from '../decorators/limited.ts';
import { retrying } from '../decorators/retrying.ts';
import { traced } from '../decorators/traced.ts';
import { openDirRemote } from '../dir/dir-remote.ts';
import type { RemoteAddress } from '../base/remote-address.ts';
import type { S3Credentials } from '../s3/s3-client.ts';

export interface OpenRemoteOptions {
  readonly address: RemoteAddress;
  readonly clock: Clock;
  readonly random: Random;
  /** `AWS_…` variables give region and endpoint unless the address does. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Replaces the credentials that the AWS SDK finds. */
  readonly credentials?: S3Credentials;
  readonly onEvent?: (event: RemoteEvent) => void;
  /** As in {@link openDirRemote}. */
  readonly onAbandoned?: (work: Promise<unknown>) => void;
  readonly bytesPerSecond?: number;
  /** Attempts for each call, `limits.remoteAttempts` by default. */
  readonly attempts?: number;
}

/** Opens a remote with retries, limits and tracing. Sends no requests yet. */
export async function openRemote(options: OpenRemoteOptions): Promise<Remote> {
  const { clock, random, onEvent, bytesPerSecond, attempts } = options;
  const driver = await openDriver(options);
  const told = onEvent === undefined ? driver : traced(driver, { clock, onEvent });
  const bounded = limited(told, { clock, ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }) });
  return retrying(bounded, {
    clock,
    random,
    ...(onEvent === undefined ? {} : { onEvent }),
    ...(attempts === undefined ? {} : { attempts }),
  });
}

async function openDriver({
  address,
  clock,
  random,
  env,
  credentials,
  onAbandoned,
}: OpenRemoteOptions): Promise<Remote> {
  switch (address.kind) {
    case 'dir':
      return openDirRemote({ path: address.path, random, ...(onAbandoned === undefined ? {} : { onAbandoned }) });
    case 's3': {
      // Load the SDK only for buckets.
      const { openS3Remote } = await import('../s3/s3-remote.ts');
      return await openS3Remote({ address, clock, env, ...(credentials === undefined ? {} : { credentials }) });
    }
    default:
      return unreachable(address);
  }
}
