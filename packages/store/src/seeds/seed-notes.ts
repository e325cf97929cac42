import * as fs from 'node:fs';
import { join } from 'node:path';
import { digestOf, parseDigest, type LayerId, type SeedNote } from '@cachelane/core';
import { ensureHomeDir, homePaths, ownerOf } from '../files/home-paths.ts';
import { realFiles } from '../files/store-files.ts';

// SEEDS/<digest of the key>   JSON: the stamp of a directory, and the layer made from it
// SEEDS/new-…                 a note that is being written

/** Limits notes, because those of deleted directories would stay forever. */
const notesMost = 1000;

export function readSeedNote(home: string, key: string): SeedNote | null {
  try {
    return parseNote(JSON.parse(fs.readFileSync(fileOf(home, key), 'utf8')));
  } catch {
    return null;
  }
}

/** Writes a note. On failure, the directory is read again next time. */
export function writeSeedNote(home: string, key: string, note: SeedNote): void {
  try {
    const { seeds } = homePaths(home);
    const owner = ownerOf(home);
    ensureHomeDir(realFiles, seeds, owner);
    makeRoom(seeds);
    const fresh = realFiles.makeUniqueDir(join(seeds, 'new-'));
    try {
      const file = join(fresh, 'note');
      realFiles.write(file, Buffer.from(JSON.stringify(note)));
      if (owner !== null) realFiles.setOwner(file, owner);
      realFiles.rename(file, fileOf(home, key));
    } finally {
      fs.rmSync(fresh, { recursive: true, force: true });
    }
  } catch {
    // Losing the note does no other harm.
  }
}

function fileOf(home: string, key: string): string {
  return join(homePaths(home).seeds, digestOf(key));
}

/** Deletes the oldest notes, and files that killed processes left. */
function makeRoom(seeds: string): void {
  const names = fs.readdirSync(seeds);
  if (names.length < notesMost) return;
  const all = names.map((name) => join(seeds, name)).map((path) => ({ path, atMs: timeOf(path) }));
  const oldest = all.toSorted((a, b) => a.atMs - b.atMs).slice(0, names.length - notesMost + 1);
  for (const { path } of oldest) fs.rmSync(path, { recursive: true, force: true });
}

function timeOf(path: string): number {
  return fs.lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function parseNote(value: unknown): SeedNote | null {
  const { stamp, layer, leftOut } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof stamp !== 'string' || typeof leftOut !== 'number' || !Number.isSafeInteger(leftOut)) return null;
  if (layer === null) return { stamp, layer, leftOut };
  return typeof layer === 'string' ? { stamp, layer: parseDigest(layer) as string as LayerId, leftOut } : null;
}
