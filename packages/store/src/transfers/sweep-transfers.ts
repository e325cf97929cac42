import { lstatSync, rmSync } from 'node:fs';
import { limits } from '@cachelane/core';
import type { HomePaths } from '../files/home-paths.ts';
import { namesIn } from '../files/read-file.ts';

/** Deletes old files in transit. A process that still uses one has it open and keeps its data. */
export function sweepTransfers({ outgoing, incoming }: HomePaths, nowMs: number): readonly string[] {
  const stale = (dir: string, pattern: RegExp, graceMs: number): readonly string[] =>
    namesIn(dir).filter((name) => {
      if (!pattern.test(name)) return false;
      const stat = lstatSync(`${dir}/${name}`, { throwIfNoEntry: false });
      return stat !== undefined && !stat.isDirectory() && nowMs - stat.mtimeMs > graceMs;
    });
  const unsent = stale(outgoing, /^\d+\.\d+$/, limits.sweepGraceMs);
  const halves = stale(incoming, /^[0-9a-f]{64}\.part$/, limits.partialDownloadMs);
  for (const name of unsent) rmSync(`${outgoing}/${name}`, { force: true });
  for (const name of halves) rmSync(`${incoming}/${name}`, { force: true });
  return [
    ...unsent.map((name) => `unfinished upload: outgoing/${name}`),
    ...halves.map((name) => `unfinished download incoming/${name}`),
  ];
}
