import {
  aboutKey,
  CachelaneError,
  checkRemote,
  decodeAbout,
  decodeManifest,
  encodeAbout,
  isCachelaneError,
  newAttempt,
  newRemoteId,
  type HeadManifest,
  type HeadName,
  type HeadVersion,
  type Random,
  type Remote,
  type RemoteHead,
  type RemoteId,
  type RemoteKey,
} from '@cachelane/core';

/** A head read from the remote; `null` if it has none. */
export interface FoundHead {
  readonly manifest: HeadManifest | null;
  readonly version: HeadVersion | null;
}

const noHead: FoundHead = { manifest: null, version: null };

export function toFound(head: RemoteHead | undefined, name: HeadName): FoundHead {
  if (head === undefined) return noHead;
  return { manifest: decodeManifest(head.bytes, name), version: head.version };
}

export async function readHead(
  remote: Remote,
  key: RemoteKey,
  name: HeadName,
  signal: AbortSignal,
): Promise<FoundHead> {
  return await withMend(async () => toFound(await remote.heads.read(key, signal), name));
}

/** Adds a repair hint to errors about an unreadable head. */
export async function withMend<T>(read: () => Promise<T>, repair: string = mendHead): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isCachelaneError(error, 'E_OBJECT_CORRUPT')) throw error;
    const { code, message, hint = repair, retryable } = error;
    throw new CachelaneError(code, message, { hint, retryable, cause: error });
  }
}

const mendHead =
  'cachelane verify remote --repair removes it; machines that have its layers send them again with their next push';

/** Throws E_VOLUME if the head belongs to another tool: its merge rules would differ. */
export function requireSameTool({ tool, volume }: HeadManifest, expected: string): void {
  if (tool === expected) return;
  throw new CachelaneError('E_VOLUME', `${volume} is a volume of ${tool} in the remote and of ${expected} here`, {
    hint: 'give one of them another name, or the same tool',
  });
}

/** Returns the remote's id, or null if no client has written to it yet. */
export async function readRemoteId({ heads }: Remote, signal: AbortSignal): Promise<RemoteId | null> {
  return await withMend(async () => {
    const about = await heads.read(aboutKey, signal);
    return about === undefined ? null : decodeAbout(about.bytes);
  });
}

/**
 * Returns the remote's id, and creates it if missing; two clients that start at once agree on one. Before it creates one, it checks that
 * the remote supports compare-and-swap. Errors: those of the remote, E_REMOTE_UNFIT.
 */
export async function ensureRemoteId(remote: Remote, random: Random, signal: AbortSignal): Promise<RemoteId> {
  const known = await readRemoteId(remote, signal);
  if (known !== null) return known;
  await checkRemote(remote, random, signal);
  const id = newRemoteId(random.bytes(16));
  const outcome = await remote.heads.swap(
    { key: aboutKey, bytes: encodeAbout(id), expected: null, attempt: newAttempt(random.bytes(16)) },
    signal,
  );
  if (outcome.kind === 'moved' || outcome.found === undefined) return id;
  return decodeAbout(outcome.found.bytes);
}
