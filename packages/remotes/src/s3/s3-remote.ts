import type { Clock, Remote } from '@cachelane/core';
import { openBucket, type S3Settings } from './s3-client.ts';
import { s3Heads } from './s3-heads.ts';
import { s3Objects } from './s3-objects.ts';

export interface S3RemoteOptions extends S3Settings {
  readonly clock: Clock;
}

/** Opens a remote in a bucket of S3 or a compatible server with conditional PUTs. Sends no requests yet. */
export async function openS3Remote({ clock, ...settings }: S3RemoteOptions): Promise<Remote> {
  const bucket = await openBucket(settings);
  return {
    name: bucket.name,
    lagMs: 0,
    objects: s3Objects({ bucket, clock }),
    heads: s3Heads({ bucket, clock }),
    [Symbol.asyncDispose]() {
      bucket.client.destroy();
      return Promise.resolve();
    },
  };
}
