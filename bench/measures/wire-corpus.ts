import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mountOf, type Bench } from '../bench.ts';
import { makeChanges, type Changes } from '../corpora/changes.ts';
import type { Corpus } from '../corpora/corpus.ts';

/** A corpus that is saved in a separate store. */
export interface WireCorpus {
  readonly corpus: Corpus;
  readonly home: string;
  /** The layer with the whole corpus. */
  readonly whole: string;
}

export interface ChangedWireCorpus extends WireCorpus {
  /** The layer above it with one per cent of the files. */
  readonly changed: string;
  readonly changes: Changes;
}

export function saveWhole(bench: Bench, corpus: Corpus): WireCorpus {
  const home = bench.path(`wire-store-${corpus.name}`);
  const { volume, path } = mountOf(bench, corpus.name);
  bench.run(volume, ['cp', '-a', `${corpus.filesDir}/.`, path], { env: { ...bench.env, CACHELANE_HOME: home } });
  return { corpus, home, whole: oneOf(layersOf(home)) };
}

export function saveChanged(bench: Bench, { corpus, home, whole }: WireCorpus): ChangedWireCorpus {
  const { volume, path } = mountOf(bench, corpus.name);
  const dir = bench.path(`wire-changes-${corpus.name}`);
  const changes = makeChanges(corpus, 'wire', dir);
  bench.run(volume, ['cp', '-R', `${dir}/.`, path], { env: { ...bench.env, CACHELANE_HOME: home } });
  return { corpus, home, whole, changes, changed: oneOf(layersOf(home).filter((id) => id !== whole)) };
}

function layersOf(home: string): readonly string[] {
  return readdirSync(join(home, 'layers'));
}

function oneOf(ids: readonly string[]): string {
  const [id] = ids;
  if (id === undefined || ids.length > 1) throw new Error(`expected one layer, found ${ids.length}`);
  return id;
}
