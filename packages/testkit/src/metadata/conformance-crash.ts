import { beforeEach, describe, expect, test } from 'vitest';
import type { Metadata } from '@cachelane/core';
import type { MetadataFactory } from './conformance-fixture.ts';
import { crashingMetadata, SimulatedCrash, type CrashPoint } from './crashing-metadata.ts';
import {
  aLayer,
  countingIds,
  local,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  type TestIds,
} from './metadata-builders.ts';

/** One run from open to close. Its layer is the text of its run id, so that each saved something of its own. */
async function runOnce(metadata: Metadata, ids: TestIds): Promise<void> {
  const { request, volumeId, run } = await openOne(metadata, openRequest(ids, { targets: ['/a/b'] }));
  await metadata.updateSession(request.sessionId, { madeDirs: ['/a', '/a/b'], place: 'mnt:1' }, noAbort);
  await metadata.updateSession(request.sessionId, { pins: [aLayer(run)] }, noAbort);
  await pushLayer(metadata, { volumeId, run, layer: aLayer(run) });
  await metadata.closeSession(request.sessionId, () => undefined, noAbort);
}

export function crashConformance(create: MetadataFactory): void {
  let ids = countingIds();
  beforeEach(() => {
    ids = countingIds();
  });

  describe('a process that dies', () => {
    test('at any operation leaves the old head or the new one, and a session that can be closed', async () => {
      await using undisturbed = await create();
      const counting = crashingMetadata(await undisturbed.open(), { operation: 0, when: 'before' });
      await runOnce(counting, ids);
      await counting[Symbol.asyncDispose]();
      const points = Array.from({ length: counting.operations }, (_, index) => index + 1).flatMap(
        (operation): readonly CrashPoint[] => [
          { operation, when: 'before' },
          { operation, when: 'after' },
        ],
      );
      expect(points.length).toBeGreaterThanOrEqual(12);

      await using store = await create();
      let generation = 0;
      for (const point of points) {
        await using victim = crashingMetadata(await store.open(), point);
        await expect(runOnce(victim, ids)).rejects.toBeInstanceOf(SimulatedCrash);

        await using metadata = await store.open();
        const [head] = await metadata.listHeads(noAbort);
        const moved = (head?.generation ?? 0) - generation;
        expect([0, 1]).toContain(moved);
        generation += moved;
        expect(new Set(head?.layers).size).toBe(generation);
        for (const id of head?.layers ?? []) expect(await metadata.layer(id, noAbort)).toBeDefined();

        const removed: string[] = [];
        for (const { id } of await metadata.listSessions(noAbort)) {
          await metadata.closeSession(id, (dirs) => removed.push(...dirs), noAbort);
        }
        expect([[], ['/a/b', '/a']]).toContainEqual(removed);
        expect(await metadata.listSessions(noAbort)).toEqual([]);
      }
      await using metadata = await store.open();
      const [volume] = await metadata.listVolumes(noAbort);
      expect(volume && (await metadata.head(volume.id, local, noAbort))?.generation).toBe(generation);
    });
  });
}
