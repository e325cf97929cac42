import type { HeadManifest, LayerId, ManifestLayer, RemoteId, RunId } from '@cachelane/core';
import { noAbort } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { testEngine } from '../../testing/test-engine.fixture.ts';
import { adopt, compareHeads, type SyncedPlace } from './compare-heads.ts';
import { installOn, onlyHead } from '../machines.fixture.ts';

const run = `run_${'0'.repeat(32)}` as RunId;

function layerOf(id: LayerId): ManifestLayer {
  const counts = { added: 1, changed: 0, removed: 0, sizeBytes: 1 };
  const data = { sizeBytes: 1, digest: id } as unknown as ManifestLayer['data'];
  return { id, run, counts, files: 1, sealedAtMs: 1, indexBytes: 1, data };
}

test("a head that the remote squashed differently keeps its local squashes if the remote's are missing", async () => {
  const engine = testEngine();
  for (const name of ['a', 'b', 'c', 'd', 'e']) await installOn(engine, name);
  const { metadata } = engine.deps;
  const [volume] = await metadata.listVolumes(noAbort);
  const { id: volumeId, namespaceId, name, compat } = volume ?? expect.fail('no volume');
  const [head] = await metadata.listHeads(noAbort);
  const { lane } = head ?? expect.fail('no head');
  const [top, squash] = await onlyHead(engine);
  const [record] = await metadata.squashes(volumeId, lane, noAbort);
  const [d, ...others] = record?.layers ?? [];
  expect([record?.id, others.length]).toEqual([squash, 3]);

  const theirs = 'f'.repeat(64) as LayerId;
  const place: SyncedPlace = {
    remoteId: '1'.repeat(32) as RemoteId,
    volumeId,
    namespaceId,
    name: { namespace: 'github.com/acme/web', volume: name, compat, lane } as SyncedPlace['name'],
  };
  const manifest: HeadManifest = {
    ...place.name,
    tool: 'indexed',
    layers: [theirs, ...others].map(layerOf),
    runs: [],
    squashes: [{ id: theirs, atMs: 1, layers: [top, d].flatMap((id) => (id === undefined ? [] : [layerOf(id)])) }],
    revoked: [],
    removed: [],
  };
  const comparison = await compareHeads(metadata, { place, manifest, nowMs: 1 }, noAbort);
  expect(comparison.merged).toEqual([theirs, ...others]);
  const adoption = { comparison, manifest, has: () => false, sizeBytes: () => 0, run, bootId: 'boot', atMs: 1 };
  expect(await adopt(metadata, place, adoption, noAbort)).toBe(true);
  expect(await onlyHead(engine)).toEqual([top, squash]);
});
