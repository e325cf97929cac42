import { beforeEach, describe, expect, test } from 'vitest';
import {
  limits,
  pathMark,
  type BytePath,
  type LaneName,
  type NotePathsRequest,
  type PathMark,
  type VolumeId,
} from '@cachelane/core';
import type { MetadataFactory } from '../metadata-fixture.ts';
import { aLayer, countingIds, local, main, noAbort, openOne, openRequest, pushLayer } from '../metadata-builders.ts';

const minuteMs = 60_000;
const atMs = 1_767_225_600_000;
const [a, b, c] = ['a', 'b', 'c'].map((path) => pathMark(path as BytePath)) as [PathMark, PathMark, PathMark];

function at(ms: number, ...marks: readonly PathMark[]): Pick<NotePathsRequest, 'paths' | 'atMs'> {
  return { paths: marks.map((mark) => [mark, ms] as const), atMs: ms };
}

export function growthConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('notes of paths', () => {
    test('are merged by kind, each path with its latest time', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const note = { volumeId, lane: local, note: 'used', moves: true } as const;
      expect(await metadata.notedPaths(volumeId, local, 'used', noAbort)).toEqual({ marks: new Map(), atMs: 0 });
      await metadata.notePaths({ ...note, ...at(atMs + minuteMs, a, b) }, noAbort);
      await metadata.notePaths({ ...note, ...at(atMs + 5 * minuteMs, b, c), moves: false }, noAbort);
      await metadata.notePaths({ ...note, ...at(atMs, a) }, noAbort);
      await metadata.notePaths({ ...note, note: 'evicted', ...at(atMs, c) }, noAbort);
      const marks = new Map([
        [a, atMs + minuteMs],
        [b, atMs + 5 * minuteMs],
        [c, atMs + 5 * minuteMs],
      ]);
      expect(await metadata.notedPaths(volumeId, local, 'used', noAbort)).toEqual({ marks, atMs: atMs + minuteMs });
      const evicted = { marks: new Map([[c, atMs]]), atMs };
      expect(await metadata.notedPaths(volumeId, local, 'evicted', noAbort)).toEqual(evicted);
    });

    test('expire', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const note = { volumeId, lane: local, note: 'used', moves: true } as const;
      await metadata.notePaths({ ...note, paths: [[a, atMs]], atMs }, noAbort);
      const laterMs = atMs + limits.pathNotesMs + minuteMs;
      await metadata.notePaths({ ...note, paths: [[b, laterMs]], atMs: laterMs }, noAbort);
      const { marks } = await metadata.notedPaths(volumeId, local, 'used', noAbort);
      expect([...marks.keys()]).toEqual([b]);
    });

    test('from a clock that was ahead are dropped with the next note', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      const note = { volumeId, lane: local, note: 'used', moves: true } as const;
      const [nearMs, farMs] = [atMs + limits.noteAheadMs, atMs + limits.noteAheadMs + minuteMs];
      await metadata.notePaths({ ...note, ...at(farMs, a), paths: [...at(farMs, a).paths, [b, nearMs]] }, noAbort);
      await metadata.notePaths({ ...note, ...at(atMs, c) }, noAbort);
      const marks = new Map([
        [b, nearMs],
        [c, atMs],
      ]);
      expect(await metadata.notedPaths(volumeId, local, 'used', noAbort)).toEqual({ marks, atMs });
    });

    test('are removed with their lane only, and need a lane', async () => {
      await using store = await create();
      await using metadata = await store.open();
      const { volumeId, run } = await openOne(metadata, openRequest(ids));
      await pushLayer(metadata, { volumeId, run, layer: aLayer('a') });
      await pushLayer(metadata, { volumeId, run, layer: aLayer('m'), lane: main });
      const noteOn = async (on: VolumeId, lane: LaneName): Promise<void> =>
        await metadata.notePaths({ volumeId: on, lane, note: 'used', paths: [[a, atMs]], atMs, moves: true }, noAbort);
      const known = async (on: VolumeId, lane: LaneName): Promise<number> =>
        (await metadata.notedPaths(on, lane, 'used', noAbort)).marks.size;
      for (const lane of [local, main]) await noteOn(volumeId, lane);
      await metadata.removeVolume(volumeId, local, noAbort);
      expect([await known(volumeId, local), await known(volumeId, main)]).toEqual([0, 1]);
      await noteOn(volumeId, local);
      expect(await known(volumeId, local)).toBe(0);
      await metadata.removeVolume(volumeId, null, noAbort);
      expect(await known(volumeId, main)).toBe(0);
    });
  });
}
