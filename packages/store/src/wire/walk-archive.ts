import { createHash, hash } from 'node:crypto';
import type { Entry } from '@cachelane/core';
import { fromSystem, throwIfAborted } from '../files/file-errors.ts';
import { Archive } from './archive.ts';
import { entryAt, wireEntries, type ArchivePlan } from '../tar/archive-plan.ts';
import { checkHeader, checkZeros, disagree, type ArchiveSink, type TakenPiece } from './take-piece.ts';
import { archiveEndBytes, hasContent, HeaderSpace, tarHeader, type WireEntry } from '../tar/tar-entries.ts';
import { paddingOf } from '../tar/tar-header.ts';

export interface Walk {
  readonly sink: ArchiveSink;
  delta(entry: Entry, content: Buffer): void;
  /** All entries before this place of the index have been read. */
  passed(place: number): void;
  readonly signal: AbortSignal;
}

/**
 * Reads the entries of an archive that span several pieces. All others are already processed.
 * Throws E_LAYER_REFUSED with the reason.
 */
export async function walkArchive(pieces: AsyncGenerator<TakenPiece>, plan: ArchivePlan, walk: Walk): Promise<void> {
  const { index } = plan;
  const deltas = ({ deltas: found }: TakenPiece): void => {
    for (const { place, content } of found) walk.delta(entryAt(index, place), content);
  };
  const archive = new Archive(pieces, deltas);
  const space = new HeaderSpace();
  try {
    for (let place = 0; place < index.count; walk.passed(place)) {
      throwIfAborted(walk.signal);
      const past = await archive.pass(place);
      if (past === place)
        for (const wire of wireEntries(plan, place, place + 1)) await takeEntry(archive, walk, { ...wire, space });
      place = Math.max(past, place + 1);
    }
    checkZeros(await archive.take(archiveEndBytes), 'its end');
    await archive.expectEnd();
  } catch (error) {
    throw fromSystem(error, 'unpacking a layer');
  } finally {
    await archive.close();
  }
}

async function takeEntry(
  archive: Archive,
  walk: Walk,
  { entry, linkedTo, space }: WireEntry & { readonly space: HeaderSpace },
): Promise<void> {
  const header = tarHeader({ entry, linkedTo }, space);
  const target = checkHeader(entry, header, await archive.take(header.bytes.length));
  if (target !== null) {
    walk.sink.symlink(entry, target);
  } else if (hasContent(entry) && linkedTo === null) {
    if (entry.form === 'delta') {
      const parts: Buffer[] = [];
      await takeContent(archive, entry, (part) => void parts.push(Buffer.from(part)));
      walk.delta(entry, Buffer.concat(parts));
    } else {
      await walk.sink.largeFile(entry, (use) => takeContent(archive, entry, use));
    }
  }
}

async function takeContent(archive: Archive, entry: Entry, use: (part: Buffer) => void): Promise<void> {
  let left = entry.sizeBytes;
  const padding = paddingOf(left);
  let sum: ReturnType<typeof createHash> | null = null;
  do {
    const part = await archive.takeSome(left);
    left -= part.length;
    use(part);
    if (sum === null && left === 0) {
      if (hash('sha256', part, 'hex') !== entry.digest) throw disagree(entry);
      break;
    }
    sum ??= createHash('sha256');
    sum.update(part);
  } while (left > 0);
  if (sum !== null && sum.digest('hex') !== entry.digest) throw disagree(entry);
  checkZeros(await archive.take(padding), 'its padding');
}
