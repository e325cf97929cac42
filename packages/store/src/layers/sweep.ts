import { statSync } from 'node:fs';
import { limits } from '@cachelane/core';
import type { HomePaths } from './home-paths.ts';
import { namesIn } from './read-file.ts';
import type { StoreFiles } from './store-files.ts';
import type { Trash } from './trash.ts';

export interface SweepRequest {
  readonly files: StoreFiles;
  readonly paths: HomePaths;
  readonly trash: Trash;
  readonly nowMs: number;
}

/** Layers that were never published, and trash whose removal was cut off. Who still works on one keeps its time fresh. */
export function sweepHome({ files, paths, trash, nowMs }: SweepRequest): readonly string[] {
  const stale = (dir: string): readonly string[] =>
    namesIn(dir).filter((name) => {
      const stat = statSync(`${dir}/${name}`, { throwIfNoEntry: false });
      return stat !== undefined && nowMs - stat.mtimeMs > limits.sweepGraceMs;
    });
  // Before the staging: what is thrown away now has a process of its own already.
  const thrown = stale(paths.trash);
  for (const name of thrown) files.start({ kind: 'remove', dir: `${paths.trash}/${name}` });
  const unfinished = stale(paths.staging);
  trash.discard(unfinished.map((name) => `${paths.staging}/${name}`));
  return [
    ...unfinished.map((name) => `unfinished layer staging/${name}`),
    ...thrown.map((name) => `left in the trash: trash/${name}`),
  ];
}
