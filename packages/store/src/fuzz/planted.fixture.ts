import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { decodeManifest, digestOf, type HeadManifest, type LayerId, type LayerStore } from '@cachelane/core';
import type { ArchiveMember } from '../archive/archive-member.ts';
import { unpackMembers } from '../archive/unpack-members.ts';
import type { Piece } from '../wire/archive.ts';
import type { ArchivePlan } from '../tar/archive-plan.ts';
import { checkIncoming } from '../wire/check-incoming.ts';
import type { PieceTaker } from '../wire/piece-takers.ts';
import { once } from '../wire/sent-layer.fixture.ts';
import { archiveTarget } from './archive-target.fixture.ts';
import { contentsOf, framesIn, framesTarget } from './frames-target.fixture.ts';
import type { TargetFactory } from './fuzz-target.fixture.ts';
import { imageTarget } from './image-target.fixture.ts';
import { indexTarget } from './index-target.fixture.ts';
import { manifestTarget } from './manifest-target.fixture.ts';
import { openStore, takeInTarget } from './take-in-target.fixture.ts';
import { realThreads, threadsTarget } from './threads-target.fixture.ts';
import { walkPieces, walkTarget } from './walk-target.fixture.ts';

// Readers with one missing check each, to test that fuzzing finds it.

const noAbort = new AbortController().signal;

/** Also creates symlinks that lead out. */
const unpackAll: typeof unpackMembers = async (members, options) => {
  const links: ArchiveMember[] = [];
  const noting = async function* (): AsyncGenerator<ArchiveMember> {
    for await (const member of members) {
      if (member.kind === 'symlink') links.push(member);
      yield member;
    }
  };
  const unpacked = await unpackMembers(noting(), options);
  for (const { name, linkName } of links) {
    if (name.includes('..') || linkName === '') continue;
    try {
      symlinkSync(linkName, join(options.dir, name));
    } catch {
      // It exists, or its directory does not.
    }
  }
  return unpacked;
};

/** Does not compare frames with their stated sizes. */
async function* readAnySizes(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  for (const { at, compressed } of framesIn(bytes)) {
    try {
      bytes.writeUInt32LE(zstdDecompressSync(compressed, { maxOutputLength: 1 << 23 }).length, at + 12);
    } catch {
      // Damaged: the reader reports it.
    }
  }
  yield* contentsOf(once(bytes));
}

/** Accepts any bytes at the end of the archive. */
async function* withEnd(pieces: AsyncIterable<Piece>, { starts }: ArchivePlan): AsyncGenerator<Piece> {
  let at = 0;
  for await (const piece of pieces) {
    piece.bytes.fill(0, Math.max(0, Math.min((starts.at(-1) ?? 0) - at, piece.sizeBytes)));
    at += piece.sizeBytes;
    yield piece;
  }
}

/** Threads that accept any whole entries in a piece. */
function carelessThreads(plan: ArchivePlan, index: Uint8Array, descriptor: number): PieceTaker {
  const threads = realThreads(plan, index, descriptor);
  const startOf = (place: number): number => plan.starts[place] as number;
  return {
    atOnce: threads.atOnce,
    async take(piece, { at, first, end }) {
      const content = Buffer.from(piece.bytes);
      return await threads.take(piece, { at, first, end }).catch((error: unknown) => {
        if (first === end) throw error;
        const [head, tail] = [content.subarray(0, startOf(first) - at), content.subarray(startOf(end) - at)];
        return { first, end, head, tail, deltas: [] };
      });
    },
    [Symbol.asyncDispose]: async () => await threads[Symbol.asyncDispose](),
  };
}

/** Leaves a file behind when it refuses a layer. */
function forgetful(images: boolean, dir: string): LayerStore {
  const store = openStore(images, dir);
  return {
    ...store,
    unpack: async (layer, signal) =>
      await store.unpack(layer, signal).catch((error: unknown) => {
        mkdirSync(`${dir}/staging/left`, { recursive: true });
        throw error;
      }),
  };
}

/** Accepts a layer that appears twice. */
function decodeTwice(bytes: Uint8Array): HeadManifest {
  let twice: { readonly layers: { readonly id: string }[] };
  try {
    twice = JSON.parse(new TextDecoder().decode(bytes)) as typeof twice;
    const once = twice.layers.filter(({ id }, i) => twice.layers.findIndex((each) => each.id === id) === i);
    const manifest = decodeManifest(Buffer.from(JSON.stringify({ ...twice, layers: once })), null);
    return {
      ...manifest,
      layers: twice.layers.map(({ id }) => manifest.layers.find((each) => each.id === id)) as never,
    };
  } catch {
    return decodeManifest(bytes, null);
  }
}

export const planted: Readonly<Record<string, TargetFactory>> = {
  archive: async (options) => await Promise.resolve(archiveTarget(options, unpackAll)),
  index: async (options) =>
    await Promise.resolve(indexTarget(options, (bytes) => checkIncoming(digestOf(bytes) as LayerId, bytes).index)),
  frames: async () => await framesTarget(readAnySizes),
  walk: async (options) =>
    await Promise.resolve(
      walkTarget(options, async (pieces, plan, walk) => await walkPieces(withEnd(pieces, plan), plan, walk)),
    ),
  threads: async (options) => await Promise.resolve(threadsTarget(options, carelessThreads)),
  'take-in': async (options) => await Promise.resolve(takeInTarget(options, forgetful)),
  image: async (options) =>
    await imageTarget(options, async (store, id) => {
      const { problems, ...rest } = await store.verify(id, noAbort);
      return { ...rest, problems, ok: problems.every((problem) => problem.includes('directories of the image')) };
    }),
  manifest: async (options) => await Promise.resolve(manifestTarget(options, decodeTwice)),
};
