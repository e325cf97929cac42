import { randomFillSync } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { availableParallelism } from 'node:os';
import workerThreads from 'node:worker_threads';
import { digestOf, type LayerId } from '@cachelane/core';
import { contentEntry, madeEntry, removalEntry } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { createLayerHome } from '../home/layer-home.fixture.ts';
import { checkIncoming } from './check-incoming.ts';
import { wantsThreads } from './piece-threads.ts';
import { archived, renumbered, sentArchive, type Sent } from './sent-layer.fixture.ts';

// Layers large enough for threads: the results and refusals must be the same as without them.

const noAbort = new AbortController().signal;

function file(path: string, content: Buffer): Sent {
  return { entry: contentEntry(path, content).entry, content };
}

function link(path: string, target: string): Sent {
  const { entry } = contentEntry(path, target, { type: 'symlink', mode: 0o777 });
  return { entry, content: Buffer.from(target) };
}

const lines = Buffer.from('a line\n');

/** Files of all sizes, one over several frames, and every other kind of entry in between. */
const items: readonly Sent[] = [
  { entry: madeEntry('many').entry },
  ...Array.from({ length: 3000 }, (_, i) => file(`many/${i}`, Buffer.alloc((i * 7919) % 12_000, `${i} `))),
  ...Array.from({ length: 300 }, (_, i) => link(`many/link-${i}`, `${i}`)),
  { entry: madeEntry('other', { removed: 'below' }).entry },
  file('other/large', randomFillSync(Buffer.alloc(14_000_000))),
  file('other/last', Buffer.alloc(3_000_000, 'z')),
  { entry: contentEntry('other/lines', lines, { form: 'delta' }).entry, content: lines },
  { entry: removalEntry('gone', 'counted').entry },
  { entry: removalEntry('many/hint', 'hint').entry },
  { entry: removalEntry('zz', 'hint').entry },
];
const { index, archive } = archived(items);
const inOrder = items.toSorted((a, b) => (a.entry.path < b.entry.path ? -1 : 1));

describe.skipIf(availableParallelism() < 2).each([
  ['a tree', false],
  ['an image', true],
] as const)('a large incoming layer, as %s,', (_, images) => {
  test('equals what was sent', async () => {
    await using home = await createLayerHome({ images });
    const store = home.open();
    const incoming = await sentArchive(index, archive);
    expect(wantsThreads(checkIncoming(incoming.id, index))).toBe(true);
    const staged = await store.unpack(incoming, noAbort);
    await store.publish(staged, noAbort);
    expect(await store.verify(staged.id, noAbort)).toEqual({ key: staged.id, ok: true, problems: [] });
    const layer = await store.open(staged.id, noAbort);
    for (const { entry, content } of [items.at(1), items.at(2900), ...items.slice(-10)].flatMap((each) => each ?? [])) {
      if (content === undefined) continue;
      expect(digestOf(layer.read(entry.path))).toBe(digestOf(content));
    }
    const again = await store.extract(staged.id, noAbort);
    expect(readdirSync(`${again.treeDir}/many`)).toHaveLength(3300);
    expect(readFileSync(`${again.treeDir}/other/large`).equals(items.at(3302)?.content as Buffer)).toBe(true);
    expect(await store.verify(staged.id, noAbort)).toEqual({ key: staged.id, ok: true, problems: [] });
    expect(home.leftovers()).toEqual([]);
  });

  test.each([
    ['in the middle of a small file', 'many/1500'],
    ['in a file over several frames', 'other/large'],
  ])('is refused for one flipped bit %s', async (_where, path) => {
    await using home = await createLayerHome({ images });
    const place = inOrder.findIndex(({ entry }) => entry.path === path);
    const plan = checkIncoming(digestOf(index) as LayerId, index);
    const other = Buffer.from(archive);
    const at = ((plan.starts[place + 1] as number) + (plan.starts[place] as number)) >> 1;
    other[at] = (other[at] as number) ^ 1;
    await expect(home.open().unpack(await sentArchive(index, other), noAbort)).rejects.toMatchObject({
      code: 'E_LAYER_REFUSED',
      message: expect.stringContaining(`index and content differ at ${path}`),
    });
    expect(home.leftovers()).toEqual([]);
  });

  test('is refused if its index is not canonical, and if it is truncated', async () => {
    await using home = await createLayerHome({ images });
    const store = home.open();
    const cut = await sentArchive(index, archive.subarray(0, 20_000_000));
    await expect(store.unpack(cut, noAbort)).rejects.toThrow(/it ends too early/);
    await expect(store.unpack(await sentArchive(renumbered(index), archive), noAbort)).rejects.toThrow(
      /its index is not in canonical form/,
    );
    expect(home.leftovers()).toEqual([]);
  });

  test('stops at once when the caller aborts', async () => {
    await using home = await createLayerHome({ images });
    const stopping = new AbortController();
    const { data, ...incoming } = await sentArchive(index, archive);
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of data) {
        yield chunk.subarray(0, chunk.length >> 1);
        stopping.abort();
        yield chunk.subarray(chunk.length >> 1);
      }
    };
    const unpacking = home.open().unpack({ ...incoming, data: source() }, stopping.signal);
    await expect(unpacking).rejects.toMatchObject({ code: 'E_ABORTED' });
    expect(home.leftovers()).toEqual([]);
  });

  test.each([0, 1])('is unpacked if only %i threads can start, and all threads end', async (most) => {
    await using home = await createLayerHome({ images });
    using threads = fewThreads(most);
    const staged = await home.open().unpack(await sentArchive(index, archive), noAbort);
    await home.open().unstage(staged, noAbort);
    expect(threads.made).toHaveLength(most);
    // A thread that has ended has the id -1.
    expect(threads.made.map(({ threadId }) => threadId)).toEqual(threads.made.map(() => -1));
  });
});

/** Simulates a machine that allows only `most` threads. */
function fewThreads(most: number): Disposable & { readonly made: readonly workerThreads.Worker[] } {
  const { Worker } = workerThreads;
  const made: workerThreads.Worker[] = [];
  const set = (worker: typeof Worker): void => {
    workerThreads.Worker = worker;
    syncBuiltinESMExports();
  };
  set(
    class extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        if (made.length === most) throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
        super(...args);
        made.push(this);
      }
    },
  );
  return { made, [Symbol.dispose]: () => set(Worker) };
}
