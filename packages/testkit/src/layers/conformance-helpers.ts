import type { BytePath, Entry, LayerStore, StagedEntry, StagedLayer, StoredLayer } from '@cachelane/core';
import { expect } from 'vitest';
import type { LayerStoreFixture } from './layer-store-fixture.ts';
import { stageAll, type ChangeItem } from './change-sets.ts';

export const noAbort: AbortSignal = new AbortController().signal;
export const sealedAtMs = 1_700_000_000_000;

export function path(latin1: string): BytePath {
  return latin1 as BytePath;
}

export function withCode(code: string): unknown {
  return expect.objectContaining({ code });
}

/** Every kind of entry, with difficult names. */
export const everyKind: readonly ChangeItem[] = [
  { kind: 'file', path: 'plain', content: 'hello' },
  { kind: 'file', path: 'empty-file', content: '' },
  { kind: 'file', path: 'executable', content: '#!/bin/sh\n', mode: 0o755 },
  { kind: 'file', path: 'read-only', content: 'r', mode: 0o444 },
  { kind: 'file', path: 'shut', content: 'secret', mode: 0 },
  { kind: 'file', path: 'new\nline and space', content: 'n' },
  { kind: 'file', path: '-rf', content: 'dash' },
  { kind: 'file', path: '.wh.escaped', content: 'not a whiteout' },
  { kind: 'file', path: 'caf\xe9', content: 'latin1, not UTF-8' },
  { kind: 'file', path: 'gr\xc3\xbc\xc3\x9f', content: 'UTF-8' },
  { kind: 'file', path: 'x'.repeat(255), content: 'long name' },
  { kind: 'file', path: 'big', content: new Uint8Array(2_500_000).fill(7) },
  { kind: 'dir', path: 'empty-dir' },
  { kind: 'dir', path: 'sticky', mode: 0o1777 },
  { kind: 'dir', path: '\xff\xfe' },
  { kind: 'file', path: '\xff\xfe/\x80', content: 'bytes' },
  { kind: 'dir', path: 'locked', mode: 0o555 },
  { kind: 'file', path: 'locked/inside', content: 'in a read-only directory', mode: 0o444 },
  { kind: 'dir', path: 'locked/deeper', mode: 0o555 },
  { kind: 'file', path: 'locked/deeper/file', content: 'deep' },
  { kind: 'dir', path: 'shut-dir', mode: 0 },
  { kind: 'file', path: 'shut-dir/inside', content: 'behind a shut door' },
  { kind: 'symlink', path: 'link', target: 'plain' },
  { kind: 'symlink', path: 'dangling', target: '/nowhere/at/all' },
  { kind: 'symlink', path: 'link-\xff', target: 'caf\xe9' },
  { kind: 'symlink', path: 'up', target: '../../../../etc' },
];

/** Directories of a path of nearly the maximum length. */
export function deepItems(depth: number): readonly ChangeItem[] {
  const dirs = Array.from({ length: depth }, (_, i) => `${'d'.repeat(40)}/`.repeat(i + 1).slice(0, -1));
  return [
    ...dirs.map((each): ChangeItem => ({ kind: 'dir', path: each })),
    { kind: 'file', path: `${dirs.at(-1)}/leaf`, content: 'deep down' },
  ];
}

export interface Published {
  readonly staged: StagedLayer;
  readonly layer: StoredLayer;
}

export async function publishEntries(
  store: LayerStore,
  request: {
    readonly changes: ReturnType<LayerStoreFixture['changes']> | null;
    readonly entries: readonly StagedEntry[];
  },
): Promise<Published> {
  const staged = await store.stage({ ...request, sealedAtMs }, noAbort);
  await store.publish(staged, noAbort);
  return { staged, layer: await store.open(staged.id, noAbort) };
}

/** Publishes the items as a layer. */
export async function publishItems(fixture: LayerStoreFixture, items: readonly ChangeItem[]): Promise<Published> {
  const changes = fixture.changes(items);
  return publishEntries(fixture.open(), { changes, entries: stageAll(changes) });
}

export function entriesOf(layer: StoredLayer | StagedLayer): readonly Entry[] {
  return [...layer.index.entries()];
}

/** Checks a layer's tree, if the store has trees. */
export function expectTree(fixture: LayerStoreFixture, layer: StoredLayer, paths: readonly string[]): void {
  const tree = fixture.tree(layer);
  if (tree !== null) expect([...tree.files.keys()].toSorted()).toEqual(paths.toSorted());
}

export async function expectSound(store: LayerStore, { staged }: Published): Promise<void> {
  expect(await store.verify(staged.id, noAbort)).toEqual({ key: staged.id, ok: true, problems: [] });
}
