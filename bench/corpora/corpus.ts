import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchDirectory } from '../directory.ts';

/** A cache made by real tools. Measurements that change it use copies. */
export interface Corpus {
  readonly name: string;
  readonly filesDir: string;
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
}

export interface CorpusRecipe {
  readonly name: string;
  /** Everything that determines the contents, including versions. A corpus with other ingredients is rebuilt. */
  readonly ingredients: readonly string[];
  /** Fills `filesDir`, which does not exist yet. `scratchDir` is empty and deleted afterwards. */
  make(filesDir: string, scratchDir: string): void;
}

interface Manifest extends Omit<Corpus, 'filesDir'> {
  readonly ingredients: readonly string[];
}

export function provideCorpus(recipe: CorpusRecipe, directory: BenchDirectory): Corpus {
  const dir = join(directory.corporaDir, recipe.name);
  const known = readManifest(dir);
  if (known !== null && JSON.stringify(known.ingredients) === JSON.stringify(recipe.ingredients)) {
    return { ...known, filesDir: join(dir, 'files') };
  }
  process.stderr.write(`making the corpus ${recipe.name}, once; this takes minutes\n`);
  const scratchDir = join(directory.runDir, `make-${recipe.name}`);
  const partialDir = join(directory.runDir, `corpus-${recipe.name}`);
  mkdirSync(scratchDir);
  mkdirSync(partialDir);
  recipe.make(join(partialDir, 'files'), scratchDir);
  const manifest: Manifest = {
    name: recipe.name,
    ...countFiles(join(partialDir, 'files')),
    ingredients: recipe.ingredients,
  };
  writeFileSync(join(partialDir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  if (existsSync(dir)) directory.discard(dir);
  renameSync(partialDir, dir);
  directory.discard(scratchDir);
  return { ...manifest, filesDir: join(dir, 'files') };
}

function readManifest(dir: string): Manifest | null {
  const path = join(dir, 'manifest.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Manifest) : null;
}

/** Counts everything except directories as a file. Bytes are those of contents, not of blocks. */
function countFiles(root: string): Pick<Corpus, 'files' | 'directories' | 'bytes'> {
  let files = 0;
  let directories = 0;
  let bytes = 0;
  const pending = [root];
  for (let dir = pending.pop(); dir !== undefined; dir = pending.pop()) {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) {
        directories += 1;
        pending.push(path);
      } else {
        files += 1;
        if (entry.isFile()) bytes += statSync(path).size;
      }
    }
  }
  return { files, directories, bytes };
}
