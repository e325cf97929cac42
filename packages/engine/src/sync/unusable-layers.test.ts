import {
  decodeManifest,
  encodeManifest,
  indexKey,
  parseVolumeName,
  type HeadManifest,
  type LayerId,
  type RemoteKey,
} from '@cachelane/core';
import { noAbort, type MemoryRemoteState } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { indexedVolume, look, put, type TestEngine } from '../testing/test-engine.fixture.ts';
import { installOn, machines, onlyHead, warnings } from './machines.fixture.ts';

async function damaged(harm: (state: MemoryRemoteState, layer: LayerId) => void): Promise<{
  readonly reader: TestEngine;
  readonly seen: Record<string, string>;
  readonly state: MemoryRemoteState;
}> {
  const { machine, state } = machines();
  const ann = machine();
  await installOn(ann, 'a');
  const [layer] = await onlyHead(ann);
  await installOn(ann, 'b');
  harm(state, layer ?? expect.fail('no layer'));
  const reader = machine();
  return { reader, state, seen: await look(reader) };
}

const replace = (state: MemoryRemoteState, key: RemoteKey, bytes: Uint8Array): void => {
  const object = state.objects.get(key) ?? expect.fail(`no ${key}`);
  state.objects.set(key, { ...object, bytes });
};
const dataOf = (state: MemoryRemoteState): RemoteKey =>
  [...state.objects.keys()].find((key) => key.startsWith('data/')) ?? expect.fail('no data');

describe('unusable layers of a remote', () => {
  test.each([
    ['a missing index', (state: MemoryRemoteState, layer: LayerId) => void state.objects.delete(indexKey(layer))],
    [
      "another layer's index",
      (state: MemoryRemoteState, layer: LayerId) => replace(state, indexKey(layer), Uint8Array.of(1)),
    ],
    ['missing content', (state: MemoryRemoteState) => void state.objects.delete(dataOf(state))],
    [
      'damaged content',
      (state: MemoryRemoteState) => {
        const key = dataOf(state);
        const bytes = Uint8Array.from(state.objects.get(key)?.bytes ?? []);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        replace(state, key, bytes);
      },
    ],
    [
      'truncated content',
      (state: MemoryRemoteState) => {
        const key = dataOf(state);
        replace(state, key, state.objects.get(key)?.bytes.subarray(1) ?? Uint8Array.of());
      },
    ],
  ])('%s is a miss with a reason; the other layers are used', async (_, harm) => {
    const { reader, seen } = await damaged(harm);
    expect(Object.keys(seen).filter((path) => path.startsWith('content/'))).toHaveLength(1);
    expect(warnings(reader)).toEqual([
      expect.stringMatching(/^layer [0-9a-f]{12} of indexed \(saved by run_.*\) in .* is left out: /),
    ]);
    const { deps } = reader;
    for (const id of await onlyHead(reader)) expect((await deps.layers.verify(id, noAbort)).ok).toBe(true);
  });

  test('are missed together with the clean-up that saw them, until they come', async () => {
    const { machine, state } = machines();
    const ann = machine();
    await installOn(ann, 'a');
    const [lowest] = await onlyHead(ann);
    await installOn(ann, 'b');
    await ann.run(
      ([volume]) => {
        put(volume, 'index/bucket', 'a\n');
        volume?.remove('content/b');
      },
      { request: { purpose: 'prune' } },
    );
    const key = indexKey(lowest ?? expect.fail('no layer'));
    const object = state.objects.get(key) ?? expect.fail(`no ${key}`);
    state.objects.delete(key);
    const reader = machine();
    expect(await look(reader)).toEqual({ 'content/b': 'bytes of b', 'index/bucket': 'b\n' });
    state.objects.set(key, object);
    expect(await look(reader)).toEqual({ 'content/a': 'bytes of a', 'index/bucket': 'a\n' });
    expect(await onlyHead(reader)).toEqual(await onlyHead(ann));
  });

  test("a head that names another volume's local layer does not get its contents", async () => {
    const { machine, state } = machines();
    const ann = machine();
    await installOn(ann, 'a');
    const kept = { ...indexedVolume, name: parseVolumeName('kept'), sync: 'never' } as const;
    await installOn(ann, 'private', { volumes: [kept] });
    const { metadata } = ann.deps;
    const volume = (await metadata.listVolumes(noAbort)).find(({ name }) => name === kept.name);
    const head = (await metadata.listHeads(noAbort)).find(({ volumeId }) => volumeId === volume?.id);
    const id = head?.layers[0] ?? expect.fail('no layer');
    const alter = (change: (manifest: HeadManifest) => HeadManifest): void => {
      const key = [...state.heads.keys()].find((each) => each.startsWith('heads/')) ?? expect.fail('no head');
      const found = state.heads.get(key) ?? expect.fail('no head');
      const bytes = encodeManifest(change(decodeManifest(found.bytes ?? expect.fail('no bytes'), null)));
      state.heads.set(key, { ...found, bytes });
    };
    const name = ({ layers, ...manifest }: HeadManifest): HeadManifest => ({
      ...manifest,
      layers: [...layers.map((layer) => ({ ...layer, id })), ...layers],
    });
    alter(name);
    expect((await look(ann))['index/bucket']).toBe('a\n');
    // A believed head would have made this download its content.
    alter(({ layers, ...manifest }) => ({ ...manifest, layers: layers.filter((each) => each.id !== id) }));
    await ann.run(() => undefined);
    expect(state.objects.has(indexKey(id))).toBe(false);
  });

  test('a head by a later version is left out, and the others are read', async () => {
    const { machine, state } = machines();
    await installOn(machine(), 'a');
    const others = [{ ...indexedVolume, name: parseVolumeName('other'), path: '/cache/other' }];
    await installOn(machine(), 'o', { volumes: others });
    const [, later = expect.fail('no head')] = [...state.heads.keys()].filter((key) => key.startsWith('heads/'));
    const found = state.heads.get(later) ?? expect.fail('no head');
    const text = new TextDecoder().decode(found.bytes ?? Uint8Array.of()).replace('"version":1', '"version":2');
    state.heads.set(later, { ...found, bytes: new TextEncoder().encode(text) });
    const reader = machine();
    const request = { strict: false, mode: 'read' } as const;
    const { report } = await reader.run(() => undefined, { volumes: [indexedVolume, ...others], request });
    expect(report.volumes.map(({ sync }) => sync?.pulledLayers)).toEqual([1, 0]);
    expect(warnings(reader)).toEqual([expect.stringMatching(/^other on lane t1:local of .* is left out: .*version 2/)]);
  });

  test('a layer that came back is pulled the next time', async () => {
    let kept: [RemoteKey, Parameters<MemoryRemoteState['objects']['set']>[1]] | undefined;
    const { reader, state } = await damaged((state, layer) => {
      const key = indexKey(layer);
      kept = [key, state.objects.get(key) ?? expect.fail('no index')];
      state.objects.delete(key);
    });
    if (kept !== undefined) state.objects.set(...kept);
    expect((await look(reader))['index/bucket']).toBe('a\nb\n');
  });

  test('a head that cachelane did not write is left out', async () => {
    const { machine, state } = machines();
    await installOn(machine(), 'a');
    const [key, head] = [...state.heads].find(([each]) => each.startsWith('heads/')) ?? expect.fail('no head');
    state.heads.set(key, { ...head, bytes: new TextEncoder().encode('{"format":"cachelane-head","version":1}') });
    const reader = machine();
    expect(await look(reader)).toEqual({});
    expect(warnings(reader)).toEqual([expect.stringContaining('the remote has a damaged head')]);
  });
});
