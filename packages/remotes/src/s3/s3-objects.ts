import type { Readable } from 'node:stream';
import {
  limits,
  type Clock,
  isRemoteKey,
  type Digest,
  type GetRequest,
  type ListedObject,
  type ListPage,
  type ObjectDownload,
  type ObjectSource,
  type ObjectStat,
  type PutOutcome,
  type RemoteKey,
  type RemoteObjects,
} from '@cachelane/core';
import { corrupt, expectContent, isContent } from '../content/expect-content.ts';
import { bodyPieces } from './s3-body.ts';
import type { S3Bucket } from './s3-client.ts';
import { isMissingKey, isNoSuchKey, s3Call, unlessFailure } from './s3-errors.ts';
import { abortOldUploads, digestNote, uploadOnce } from './s3-upload.ts';

export interface S3Place {
  readonly bucket: S3Bucket;
  readonly clock: Clock;
}

export function s3Objects({ bucket, clock }: S3Place): RemoteObjects {
  const { sdk, client } = bucket;
  const nameOf = (key: RemoteKey) => ({ Bucket: bucket.bucket, Key: `${bucket.prefix}objects/${key}` });

  const stat = async (key: RemoteKey, signal: AbortSignal): Promise<ObjectStat | undefined> => {
    const found = await unlessFailure(
      () => client.send(new sdk.HeadObjectCommand(nameOf(key)), { abortSignal: signal }),
      isMissingKey,
    );
    if (found === undefined) return undefined;
    const note = found.Metadata?.[digestNote];
    return {
      key,
      sizeBytes: found.ContentLength ?? 0,
      storedAtMs: found.LastModified?.getTime() ?? 0,
      digest: note !== undefined && /^[0-9a-f]{64}$/.test(note) ? (note as Digest) : null,
    };
  };

  const get = async (
    key: RemoteKey,
    { offset = 0, expect }: GetRequest,
    signal: AbortSignal,
  ): Promise<ObjectDownload | undefined> => {
    const what = `${key} in ${bucket.name}`;
    const range = offset === 0 ? {} : { Range: `bytes=${offset}-` };
    let isBeyond = false;
    const answer = await unlessFailure(
      () => client.send(new sdk.GetObjectCommand({ ...nameOf(key), ...range }), { abortSignal: signal }),
      (failure) => {
        isBeyond = failure.status === 416;
        return isBeyond || isNoSuchKey(failure);
      },
    );
    if (isBeyond) return await endOf(key, offset, signal);
    if (answer?.Body === undefined) return undefined;
    const leftBytes = answer.ContentLength ?? 0;
    const body = answer.Body as Readable;
    // Some proxies ignore ranges and send everything.
    if (offset > 0 && !answer.ContentRange?.startsWith(`bytes ${offset}-`)) {
      body.destroy();
      throw corrupt(what, 'did not start at the requested offset');
    }
    const data = bodyPieces(bucket, { body, sizeBytes: leftBytes, what, signal, clock });
    return {
      sizeBytes: offset + leftBytes,
      data: expect === undefined ? data : expectContent(data, expect, what),
    };
  };

  /** An offset at the end is valid, but not as a range. */
  const endOf = async (key: RemoteKey, offset: number, signal: AbortSignal): Promise<ObjectDownload | undefined> => {
    const found = await stat(key, signal);
    if (found === undefined) return undefined;
    if (offset > found.sizeBytes) {
      throw corrupt(`${key} in ${bucket.name}`, `has ${found.sizeBytes} bytes, fewer than were read`);
    }
    return { sizeBytes: found.sizeBytes, data: nothing() };
  };

  const compare = async (found: ObjectStat, source: ObjectSource, signal: AbortSignal): Promise<PutOutcome> => {
    if (found.sizeBytes !== source.sizeBytes) return { kind: 'different', found };
    if (found.digest !== null)
      return found.digest === source.digest ? { kind: 'present' } : { kind: 'different', found };
    // Stored by another program: compare the content.
    const download = await get(found.key, {}, signal);
    const isSame = download !== undefined && (await isContent(download.data, source));
    return isSame ? { kind: 'present' } : { kind: 'different', found };
  };

  return {
    put: (key, source, signal) =>
      s3Call(bucket, { doing: 'writing', signal }, async () => {
        const isLong = source.sizeBytes > limits.remotePartBytes;
        const known = isLong ? await stat(key, signal) : undefined;
        if (known !== undefined) return await compare(known, source, signal);
        const isStored = await uploadOnce(bucket, { ...nameOf(key), what: key, source, signal });
        if (isStored) return { kind: 'stored' };
        const found = await stat(key, signal);
        // The object existed a moment ago: whoever removed it may remove ours too.
        return found === undefined ? { kind: 'stored' } : await compare(found, source, signal);
      }),
    renew: (key, source, signal) =>
      s3Call(bucket, { doing: 'writing', signal }, async () => {
        await uploadOnce(bucket, { ...nameOf(key), what: key, source, isAnew: true, signal });
      }),
    get: (key, request, signal) => s3Call(bucket, { doing: 'reading', signal }, () => get(key, request, signal)),
    stat: (key, signal) => s3Call(bucket, { doing: 'reading', signal }, () => stat(key, signal)),
    list: (prefix, page, signal) =>
      s3Call(bucket, { doing: 'reading', signal }, async () => {
        const { found, more } = await listBelow(bucket, {
          folder: 'objects/',
          prefix,
          page,
          isWanted: () => Promise.resolve(true),
          signal,
        });
        return { objects: found, more };
      }),
    remove: (key, signal) =>
      s3Call(bucket, { doing: 'writing', signal }, async () => {
        await unlessFailure(
          () => client.send(new sdk.DeleteObjectCommand(nameOf(key)), { abortSignal: signal }),
          isMissingKey,
        );
      }),
    sweep: (signal) =>
      s3Call(bucket, { doing: 'writing', signal }, () =>
        abortOldUploads(bucket, { prefix: `${bucket.prefix}objects/`, nowMs: clock.nowMs(), signal }),
      ),
  };
}

async function* nothing(): AsyncIterable<Uint8Array> {}

export interface Listing {
  /** `objects/` or `heads/`. */
  readonly folder: string;
  readonly prefix: string;
  readonly page: ListPage;
  readonly isWanted: (listed: ListedObject) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** Lists as many as requested, in several calls if needed. Skips names that are not keys. */
export async function listBelow(
  { sdk, client, bucket: Bucket, prefix: remotePrefix }: S3Bucket,
  { folder, prefix, page, isWanted, signal }: Listing,
): Promise<{ readonly found: readonly ListedObject[]; readonly more: boolean }> {
  const above = `${remotePrefix}${folder}`;
  const limit = Math.min(page.limit ?? limits.remoteListPage, limits.remoteListPage);
  const found: ListedObject[] = [];
  let StartAfter = page.after === undefined ? undefined : `${above}${page.after}`;
  for (;;) {
    const answer = await client.send(
      new sdk.ListObjectsV2Command({ Bucket, Prefix: `${above}${prefix}`, MaxKeys: limit - found.length, StartAfter }),
      { abortSignal: signal },
    );
    for (const { Key = '', Size = 0, LastModified } of answer.Contents ?? []) {
      const key = Key.slice(above.length);
      const listed = { key, sizeBytes: Size, storedAtMs: LastModified?.getTime() ?? 0 };
      if (isKeyed(listed) && (await isWanted(listed))) found.push(listed);
    }
    StartAfter = answer.Contents?.at(-1)?.Key;
    const more = answer.IsTruncated === true && StartAfter !== undefined;
    if (!more || found.length === limit) return { found, more };
  }
}

function isKeyed(listed: Omit<ListedObject, 'key'> & { readonly key: string }): listed is ListedObject {
  return isRemoteKey(listed.key);
}
