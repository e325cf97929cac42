import { dirname, join } from 'node:path';
import {
  type ObjectDownload,
  type ObjectSource,
  type ObjectStat,
  type PutOutcome,
  type RemoteKey,
  type RemoteObjects,
} from '@cachelane/core';
import { corrupt, expectContent, isContent } from '../content/expect-content.ts';
import { readSource } from '../content/read-source.ts';
import { filePieces } from '../content/object-sources.ts';
import { throwIfAborted } from '../base/remote-errors.ts';
import { cannotLink, errnoOf, fromSystem, isMissing } from './dir-errors.ts';
import { dirLooks } from './dir-files.ts';
import { dirCall, freshName, objectsDir, temporaryDir, type DirPlace } from './dir-place.ts';
import { piecesOrAbandoned } from './abandon.ts';
import { removeOld } from './remove-old.ts';
import { pageOf } from './walk-keys.ts';

const leafName = (entry: { readonly name: string; isFile(): boolean }): string | null =>
  entry.isFile() ? entry.name : null;

export function dirObjects(place: DirPlace): RemoteObjects {
  const pathOf = (key: RemoteKey): string => join(objectsDir(place), key);
  return {
    put: (key, source, signal) =>
      dirCall(place, { doing: 'writing', signal }, async () => {
        const known = await statOf(pathOf(key), key);
        return known === undefined
          ? await store(place, { key, path: pathOf(key), source, signal })
          : await compare(pathOf(key), known, source);
      }),
    renew: (key, source, signal) =>
      dirCall(
        place,
        { doing: 'writing', signal },
        async () => await replace(place, { key, path: pathOf(key), source, signal }),
      ),
    get: (key, { offset = 0, expect }, signal) =>
      dirCall(place, { doing: 'reading', signal }, async () => {
        const found = await statOf(pathOf(key), key);
        if (found === undefined) return undefined;
        const data = wholePieces(place, { key, path: pathOf(key), offset, sizeBytes: found.sizeBytes, signal });
        const checked = expect === undefined ? data : expectContent(data, expect, `${key} in ${place.name}`);
        return { sizeBytes: found.sizeBytes, data: checked } satisfies ObjectDownload;
      }),
    stat: (key, signal) => dirCall(place, { doing: 'reading', signal }, () => statOf(pathOf(key), key)),
    list: (prefix, page, signal) =>
      dirCall(place, { doing: 'reading', signal }, async () => {
        const { items, more } = await pageOf({ root: objectsDir(place), prefix, page, leafName }, ({ key, path }) =>
          statOf(path, key),
        );
        return { objects: items.map(({ digest: _, ...listed }) => listed), more };
      }),
    remove: (key, signal) =>
      dirCall(place, { doing: 'writing', signal }, async () => {
        await unlinkIfThere(place, pathOf(key));
      }),
    sweep: (signal) =>
      dirCall(place, { doing: 'writing', signal }, () =>
        removeOld(place, { dir: temporaryDir(place), isOurs: () => true }),
      ),
  };
}

async function statOf(path: string, key: RemoteKey): Promise<ObjectStat | undefined> {
  try {
    const { sizeBytes, mtimeMs, isFile } = await dirLooks.stat(path);
    return isFile ? { key, sizeBytes, storedAtMs: Math.round(mtimeMs), digest: null } : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Compares contents, because the directory keeps no digests and `present` promises equal content. */
async function compare(path: string, found: ObjectStat, source: ObjectSource): Promise<PutOutcome> {
  const isSame = found.sizeBytes === source.sizeBytes && (await isContent(filePieces(path, 0), source));
  return isSame ? { kind: 'present' } : { kind: 'different', found };
}

interface Storing {
  readonly key: RemoteKey;
  readonly path: string;
  readonly source: ObjectSource;
  readonly signal: AbortSignal;
}

/** Writes and syncs a temporary file, then links it to its key, which fails if the key exists. */
async function store(place: DirPlace, { key, path, source, signal }: Storing): Promise<PutOutcome> {
  const { files } = place;
  const temporary = join(temporaryDir(place), freshName(place));
  await files.makeDirs(temporaryDir(place));
  try {
    await files.writeStream(temporary, untilAborted(readSource(source, key), signal));
    await files.makeDirs(dirname(path));
    try {
      await files.link(temporary, path);
    } catch (error) {
      if (cannotLink(error)) {
        // Concurrent writers have the same content for this key.
        await files.rename(temporary, path);
      } else if (errnoOf(error) === 'EEXIST') {
        const known = await statOf(path, key);
        // On a network file system the link may be our own, from a request whose answer was lost.
        if (known !== undefined) return await compare(path, known, source);
        throw error;
      } else throw error;
    }
    await files.syncDir(dirname(path));
    return { kind: 'stored' };
  } finally {
    await unlinkIfThere(place, temporary);
  }
}

/** Setting the time would need ownership, and would use our clock. */
async function replace(place: DirPlace, { key, path, source, signal }: Storing): Promise<void> {
  const { files } = place;
  const temporary = join(temporaryDir(place), freshName(place));
  await files.makeDirs(temporaryDir(place));
  try {
    await files.writeStream(temporary, untilAborted(readSource(source, key), signal));
    await files.makeDirs(dirname(path));
    await files.rename(temporary, path);
    await files.syncDir(dirname(path));
  } finally {
    await unlinkIfThere(place, temporary);
  }
}

async function unlinkIfThere({ files }: DirPlace, path: string): Promise<void> {
  try {
    await files.unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function* untilAborted(pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  for await (const piece of pieces) {
    throwIfAborted(signal);
    yield piece;
  }
  throwIfAborted(signal);
}

interface Reading extends Omit<Storing, 'source'> {
  readonly offset: number;
  readonly sizeBytes: number;
}

async function* wholePieces(
  place: DirPlace,
  { key, path, offset, sizeBytes, signal }: Reading,
): AsyncIterable<Uint8Array> {
  if (offset > sizeBytes) throw corrupt(`${key} in ${place.name}`, `has ${sizeBytes} bytes, fewer than were read`);
  const patience = { signal, onAbandoned: place.onAbandoned };
  let position = offset;
  try {
    for await (const piece of piecesOrAbandoned(filePieces(path, offset), patience)) {
      throwIfAborted(signal);
      position += piece.byteLength;
      yield piece;
    }
  } catch (error) {
    throw fromSystem(error, place.name, 'reading');
  }
  if (position !== sizeBytes) throw corrupt(`${key} in ${place.name}`, `has ${position} bytes, not ${sizeBytes}`);
}
