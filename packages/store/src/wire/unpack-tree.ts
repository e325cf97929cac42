import { linkSync, mkdirSync, statSync } from 'node:fs';
import type { Entry, StagedEntry } from '@cachelane/core';
import { filePath } from '../files/file-path.ts';
import { wireEntries } from '../tar/archive-plan.ts';
import { stageLayer, type StageContext, type Staging } from '../layers/stage-layer.ts';
import { toChangeSet } from '../layers/change-set.ts';
import type { ArrivingLayer } from './arriving-layer.ts';

/**
 * Stages a layer as a tree in `dir`, an empty directory of ours. Throws E_LAYER_REFUSED if archive and index differ.
 */
export async function unpackTree(
  context: StageContext,
  dir: string,
  { layer, signal }: { readonly layer: ArrivingLayer; readonly signal: AbortSignal },
): Promise<Staging> {
  const { files, owner } = context;
  const { index } = layer.plan;
  const tree = `${dir}/tree`;
  // Its mode also shows which bits the umask removes.
  files.makeDir(tree, 0o777);
  const maskedBits = 0o777 & ~statSync(tree).mode;
  // Make all directories first, so that threads can write files in any order. Staging sets their modes and times.
  for (const entry of index.entries()) if (isDirectory(entry)) mkdirSync(filePath(tree, entry.path), 0o755);
  const deltas = new Map<string, Buffer>();
  await layer.walk(
    { kind: 'tree', dir: tree, owner, maskedBits },
    {
      delta: ({ path }, content) => void deltas.set(path, content),
      passed: () => {},
      signal,
    },
  );
  for (const { entry, linkedTo } of wireEntries(layer.plan)) {
    if (linkedTo !== null) linkSync(filePath(tree, linkedTo), filePath(tree, entry.path));
  }
  const entries = Array.from(index.entries(), (entry) => stagedEntry(entry, deltas));
  const changes = toChangeSet({ upper: tree, files }, []);
  return stageLayer({ ...context, ours: layer.bytes }, { changes, entries, sealedAtMs: layer.sealedAtMs }, signal);
}

function isDirectory({ type, removed }: Entry): boolean {
  return type === 'dir' && removed !== 'counted' && removed !== 'hint';
}

function stagedEntry(entry: Entry, deltas: ReadonlyMap<string, Buffer>): StagedEntry {
  if (entry.removed === 'counted' || entry.removed === 'hint') return { from: 'removal', entry };
  const content = deltas.get(entry.path);
  return content === undefined ? { from: 'change', entry } : { from: 'content', entry, content };
}
