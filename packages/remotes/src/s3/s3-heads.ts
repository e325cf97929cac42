import type { Readable } from 'node:stream';
import {
  CachelaneError,
  digestOf,
  limits,
  type AttemptId,
  type DamageRemoval,
  type DamageRemovalOutcome,
  type HeadRemovalOutcome,
  type HeadVersion,
  type ListedObject,
  type RemoteHead,
  type RemoteHeads,
  type RemoteKey,
  type SwapOutcome,
} from '@cachelane/core';
import { corrupt } from '../content/expect-content.ts';
import { decodeHead, decodeUnlessDamaged, encodeHead, isRemoval, removedHeadBytes } from '../content/head-document.ts';
import { assertHeadSize } from '../base/remote-errors.ts';
import { bodyPieces } from './s3-body.ts';
import { isMissingKey, isNoSuchKey, isPreconditionFailed, s3Call, storedEtag, unlessFailure } from './s3-errors.ts';
import { listBelow, type S3Place } from './s3-objects.ts';

// A head is an object that moves by conditional PUTs: If-None-Match for the first state, otherwise If-Match with the
// last read ETag. A removed head is a short object, because most servers ignore conditions of DELETE and delete
// anyway.

interface State {
  readonly attempt: AttemptId;
  readonly bytes: Uint8Array | null;
  /** Without the server's quotes. */
  readonly etag: string;
}

interface Step {
  readonly key: RemoteKey;
  readonly expected: HeadVersion | null;
  readonly attempt: AttemptId;
  /** Null removes the head. */
  readonly bytes: Uint8Array | null;
}

const versionOf = ({ attempt, etag }: { readonly attempt: AttemptId; readonly etag: string }): HeadVersion =>
  `${attempt}-${etag}` as HeadVersion;

function headOf(state: State | undefined): RemoteHead | undefined {
  return state === undefined || state.bytes === null ? undefined : { bytes: state.bytes, version: versionOf(state) };
}

/** The stored object, valid or not. */
interface Stored {
  readonly etag: string;
  readonly sizeBytes: number;
  /** Null if it is larger than any head. */
  readonly encoded: Uint8Array | null;
}

type Condition = { readonly IfNoneMatch: '*' } | { readonly IfMatch: string };

function conditionOf(etag: string | null, isQuoted: boolean): Condition {
  if (etag === null) return { IfNoneMatch: '*' };
  return { IfMatch: isQuoted ? `"${etag}"` : etag };
}

const unquoted = (etag: string | undefined): string => (etag ?? '').replace(/^"(.*)"$/, '$1');

export function s3Heads({ bucket, clock }: S3Place): RemoteHeads {
  const { sdk, client } = bucket;
  const nameOf = (key: RemoteKey) => ({ Bucket: bucket.bucket, Key: `${bucket.prefix}heads/${key}` });
  const whatOf = (key: RemoteKey): string => `the head ${key} in ${bucket.name}`;
  const readStored = async (key: RemoteKey, signal: AbortSignal): Promise<Stored | undefined> => {
    const what = whatOf(key);
    const answer = await unlessFailure(
      () => client.send(new sdk.GetObjectCommand(nameOf(key)), { abortSignal: signal }),
      isNoSuchKey,
    );
    if (answer?.Body === undefined) return undefined;
    const body = answer.Body as Readable;
    const sizeBytes = answer.ContentLength ?? 0;
    const etag = unquoted(answer.ETag);
    if (sizeBytes > limits.remoteHeadBytes + 256) {
      body.destroy();
      return { etag, sizeBytes, encoded: null };
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of bodyPieces(bucket, { body, sizeBytes, what, signal, clock })) pieces.push(piece);
    return { etag, sizeBytes, encoded: Buffer.concat(pieces) };
  };
  const readState = async (key: RemoteKey, signal: AbortSignal): Promise<State | undefined> => {
    const stored = await readStored(key, signal);
    if (stored === undefined) return undefined;
    const { etag, sizeBytes, encoded } = stored;
    if (encoded === null) throw corrupt(whatOf(key), `has ${sizeBytes} bytes, more than any head`);
    return { ...decodeHead(encoded, whatOf(key)), etag };
  };

  /** Returns the new ETag, or undefined if the condition failed. */
  const putIf = async (wanted: Step, condition: Condition, signal: AbortSignal): Promise<string | undefined> => {
    const answer = await unlessFailure(
      () =>
        client.send(new sdk.PutObjectCommand({ ...nameOf(wanted.key), Body: encodeHead(wanted), ...condition }), {
          abortSignal: signal,
        }),
      // AWS reports a missing key if nothing can match.
      (failure) => isPreconditionFailed(failure) || ('IfMatch' in condition && isMissingKey(failure)),
    );
    return answer === undefined ? undefined : unquoted(storedEtag(bucket, answer));
  };

  const swapState = async (wanted: Step, signal: AbortSignal): Promise<SwapOutcome> => {
    // The version contains the ETag that the caller read; a first swap needs none.
    let onto = wanted.expected === null ? null : etagOf(wanted.expected);
    let isQuoted = bucket.quotesEtags;
    for (let refusals = 0; refusals < 4; refusals++) {
      const etag = await putIf(wanted, conditionOf(onto, isQuoted), signal);
      if (etag !== undefined) {
        if (onto !== null) bucket.quotesEtags = isQuoted;
        return { kind: 'moved', version: versionOf({ ...wanted, etag }) };
      }
      const state = await readState(wanted.key, signal);
      if (state?.attempt === wanted.attempt) return { kind: 'moved', version: versionOf(state) };
      const now = headOf(state);
      if ((now?.version ?? null) !== wanted.expected) return { kind: 'conflict', found: now };
      // The condition holds but was refused: the server may know only the other ETag form. A removed head needs its
      // ETag, too.
      if (onto !== null && state?.etag === onto) isQuoted = !isQuoted;
      onto = state?.etag ?? null;
    }
    throw unfit();
  };

  const removeDamaged = async ({ key, attempt }: DamageRemoval, signal: AbortSignal): Promise<DamageRemovalOutcome> => {
    const removal: Step = { key, attempt, expected: null, bytes: null };
    let isQuoted = bucket.quotesEtags;
    let refused: string | null = null;
    let seen: string | null = null;
    for (let looks = 0; looks < 6; looks++) {
      const stored = await readStored(key, signal);
      if (stored === undefined) return { kind: 'left' };
      const { etag, encoded } = stored;
      const state = encoded === null ? null : decodeUnlessDamaged(encoded, whatOf(key));
      if (state !== null) return { kind: state.attempt === attempt ? 'removed' : 'left' };
      // The network may have damaged it: trust only two equal reads.
      const look = `${etag} ${encoded === null ? 'large' : digestOf(encoded)}`;
      if (seen === look) {
        if (refused === etag) isQuoted = !isQuoted;
        if ((await putIf(removal, conditionOf(etag, isQuoted), signal)) !== undefined) return { kind: 'removed' };
        refused = etag;
      }
      seen = look;
    }
    if (refused !== null) throw unfit();
    throw new CachelaneError('E_REMOTE_GONE', `${whatOf(key)} differs each time it is read`, {
      retryable: true,
    });
  };

  const unfit = (): CachelaneError =>
    new CachelaneError('E_REMOTE_UNFIT', `${bucket.name} refuses to replace a head by its ETag`, {
      hint: 'heads need a server with conditional writes, as S3, Ceph and MinIO have',
    });

  /** Decides by size, so that a listing reads no heads. Only heads with the size of a removed one may be damaged. */
  const isThere = async ({ key, sizeBytes }: ListedObject, signal: AbortSignal): Promise<boolean> => {
    if (sizeBytes !== removedHeadBytes) return true;
    const stored = await readStored(key, signal);
    if (stored === undefined) return false;
    return stored.encoded === null || !isRemoval(stored.encoded);
  };

  const step = (wanted: Step, signal: AbortSignal): Promise<SwapOutcome> =>
    s3Call(bucket, { doing: 'writing', signal }, () => swapState(wanted, signal));

  return {
    read: (key, signal) =>
      s3Call(bucket, { doing: 'reading', signal }, async () => headOf(await readState(key, signal))),
    async swap(request, signal) {
      assertHeadSize(request);
      return await step(request, signal);
    },
    async remove(request, signal): Promise<HeadRemovalOutcome> {
      const outcome = await step({ ...request, bytes: null }, signal);
      return outcome.kind === 'moved' ? { kind: 'removed' } : outcome;
    },
    removeDamaged: (request, signal) =>
      s3Call(bucket, { doing: 'writing', signal }, () => removeDamaged(request, signal)),
    list: (prefix, page, signal) =>
      s3Call(bucket, { doing: 'reading', signal }, async () => {
        const isWanted = (listed: ListedObject) => isThere(listed, signal);
        const { found, more } = await listBelow(bucket, { folder: 'heads/', prefix, page, isWanted, signal });
        return { keys: found.map(({ key }) => key), more };
      }),
  };
}

function etagOf(version: HeadVersion): string {
  return version.slice(version.indexOf('-') + 1);
}
