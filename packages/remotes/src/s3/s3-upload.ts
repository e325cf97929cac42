import { limits, type ObjectSource } from '@cachelane/core';
import { readSource } from '../content/read-source.ts';
import type { Gate } from '../base/gate.ts';
import type { S3Bucket } from './s3-client.ts';
import { isPreconditionFailed, storedEtag, unlessFailure } from './s3-errors.ts';

/** The metadata field with the object's SHA-256, because other servers keep no such checksum. */
export const digestNote = 'sha256';

export interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly what: string;
  readonly source: ObjectSource;
  /** Whether to replace an existing object. */
  readonly isAnew?: boolean;
  readonly signal: AbortSignal;
}

/** Uploads an object. Returns false if it exists. */
export async function uploadOnce(bucket: S3Bucket, upload: Upload): Promise<boolean> {
  return upload.source.sizeBytes > limits.remotePartBytes
    ? await uploadInParts(bucket, upload)
    : await uploadWhole(bucket, upload);
}

function onlyOnce({ isAnew = false }: Upload): { readonly IfNoneMatch?: '*' } {
  return isAnew ? {} : { IfNoneMatch: '*' };
}

async function uploadWhole(bucket: S3Bucket, upload: Upload): Promise<boolean> {
  const { sdk, client } = bucket;
  const { Bucket, Key, what, source, signal } = upload;
  const body = Buffer.allocUnsafeSlow(source.sizeBytes);
  let filledBytes = 0;
  for await (const piece of readSource(source, what)) {
    body.set(piece, filledBytes);
    filledBytes += piece.byteLength;
  }
  const answer = await unlessFailure(
    () =>
      client.send(
        new sdk.PutObjectCommand({
          Bucket,
          Key,
          Body: body,
          ...onlyOnce(upload),
          Metadata: { [digestNote]: source.digest },
          ChecksumSHA256: Buffer.from(source.digest, 'hex').toString('base64'),
        }),
        { abortSignal: signal },
      ),
    isPreconditionFailed,
  );
  if (answer !== undefined) storedEtag(bucket, answer);
  return answer !== undefined;
}

interface Part {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
}

/**
 * The object appears with the last call. A server that ignores its condition replaces an existing object by the same
 * content, because keys of layers are digests.
 */
async function uploadInParts(bucket: S3Bucket, upload: Upload): Promise<boolean> {
  const { sdk, client, parts } = bucket;
  const { Bucket, Key, source, signal } = upload;
  const { UploadId } = await client.send(
    new sdk.CreateMultipartUploadCommand({ Bucket, Key, Metadata: { [digestNote]: source.digest } }),
    { abortSignal: signal },
  );
  const target = { Bucket, Key, UploadId };
  try {
    const sent = await sendParts(parts, upload, async (Body, PartNumber): Promise<Part> => {
      const { ETag } = await client.send(new sdk.UploadPartCommand({ ...target, PartNumber, Body }), {
        abortSignal: signal,
      });
      return { PartNumber, ETag };
    });
    const answer = await unlessFailure(
      () =>
        client.send(
          new sdk.CompleteMultipartUploadCommand({
            ...target,
            ...onlyOnce(upload),
            MultipartUpload: { Parts: [...sent] },
          }),
          { abortSignal: signal },
        ),
      isPreconditionFailed,
    );
    if (answer === undefined) await abandon();
    else storedEtag(bucket, answer);
    return answer !== undefined;
  } catch (error) {
    await abandon();
    throw error;
  }

  /** Also after an abort, so it ignores the caller's signal but is limited in time. A sweep removes the rest. */
  async function abandon(): Promise<void> {
    try {
      const abortSignal = AbortSignal.timeout(limits.remoteAbandonMs);
      await client.send(new sdk.AbortMultipartUploadCommand(target), { abortSignal });
    } catch {
      // The caller gets the earlier error.
    }
  }
}

/** Cuts the source into parts, and reads on while some are being sent. */
async function sendParts(
  gate: Gate,
  { source, what, signal }: Upload,
  send: (body: Uint8Array, number: number) => Promise<Part>,
): Promise<readonly Part[]> {
  const sent: Promise<Part>[] = [];
  let failure: { readonly error: unknown } | undefined;
  const start = async (body: Uint8Array): Promise<void> => {
    const leave = await gate.enter(signal);
    const part = send(body, sent.length + 1).finally(leave);
    part.catch((error: unknown) => {
      failure ??= { error };
    });
    sent.push(part);
  };
  const freshPart = () => Buffer.allocUnsafeSlow(Math.min(limits.remotePartBytes, source.sizeBytes));
  try {
    let part = freshPart();
    let filledBytes = 0;
    for await (const piece of readSource(source, what)) {
      for (let rest = piece; rest.byteLength > 0;) {
        const taken = rest.subarray(0, part.byteLength - filledBytes);
        part.set(taken, filledBytes);
        filledBytes += taken.byteLength;
        rest = rest.subarray(taken.byteLength);
        if (filledBytes < part.byteLength) continue;
        await start(part);
        if (failure !== undefined) throw failure.error;
        [part, filledBytes] = [freshPart(), 0];
      }
    }
    if (filledBytes > 0) await start(part.subarray(0, filledBytes));
    return await Promise.all(sent);
  } finally {
    // A part that arrives after the upload was abandoned would stay behind.
    await Promise.allSettled(sent);
  }
}

export interface OldUploads {
  readonly prefix: string;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** Aborts abandoned uploads. A client whose clock is a day ahead may abort a live one, which then restarts. */
export async function abortOldUploads(
  { sdk, client, bucket: Bucket }: S3Bucket,
  { prefix, nowMs, signal }: OldUploads,
): Promise<number> {
  let aborted = 0;
  let from: { readonly KeyMarker?: string | undefined; readonly UploadIdMarker?: string | undefined } = {};
  for (;;) {
    const page = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: prefix, ...from }), {
      abortSignal: signal,
    });
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Initiated === undefined || nowMs - Initiated.getTime() < limits.remoteSweepGraceMs) continue;
      const gone = await unlessFailure(
        () => client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }), { abortSignal: signal }),
        ({ status }) => status === 404,
      );
      if (gone !== undefined) aborted += 1;
    }
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return aborted;
    from = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}
