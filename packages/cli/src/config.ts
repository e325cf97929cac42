import { readFileSync, statSync } from 'node:fs';
import {
  CachelaneError,
  configFileName,
  type Namespace,
  type SharingMode,
  type StatedPolicy,
  type Sync,
  type VolumeName,
} from '@cachelane/core';
import type { CommitPolicy } from '@cachelane/engine';
import type { CatalogAlias } from './catalog-aliases.ts';

/** A value and the line that says it, for `cachelane.yaml:4`. */
export interface Located<T> {
  readonly value: T;
  readonly line: number;
}

export interface ConfigVolume {
  readonly name: VolumeName;
  /** Null: the tool that the name names, if there is one. */
  readonly tool: Located<string> | null;
  /** Relative to the project, or beginning with `~/`. Null: where the tool says. */
  readonly path: Located<string> | null;
  /** Null: as suits the tool. */
  readonly sharing: SharingMode | null;
  /** Null: by the tool's rule. */
  readonly commit: CommitPolicy | null;
  /** Null: as the tool says. */
  readonly sync: Sync | null;
  /** A directory to seed it from, relative to the project. */
  readonly source: Located<string> | null;
  readonly compat: Readonly<Record<string, string>>;
  readonly line: number;
}

/** What a project's file says, checked. */
export interface Config {
  /** Absolute path of the file. */
  readonly path: string;
  /** The project: the directory that the file lies in. */
  readonly projectDir: string;
  readonly namespace: Located<Namespace> | null;
  /** Null: the path prefixes. An empty list means none. */
  readonly parents: readonly Located<Namespace>[] | null;
  /** In the order of the file; null where it names none, so that they are detected. */
  readonly volumes: readonly ConfigVolume[] | null;
  /** How long the caches of its lanes live and how large they may be, as far as that is less than others say. */
  readonly policy: StatedPolicy;
  /** What it calls namespaces whose catalogs it uses. */
  readonly catalogs: readonly CatalogAlias[];
  /** What is written there and has no effect, one sentence each. */
  readonly warnings: readonly string[];
}

/** A file that a person wrote is smaller; the parser's memory is not the repository's to choose. */
const configBytesMax = 262_144;

/** Throws E_CONFIG with every problem, each with line, column and reason. */
export async function readConfig(path: string): Promise<Config> {
  const text = readText(path);
  // The parser costs more than a whole small run: only who has a file pays.
  const { parseConfig } = await import('./config-parse.ts');
  return parseConfig(text, path);
}

function readText(path: string): string {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw broken('is not a file');
    if (stats.size > configBytesMax) throw broken(`is larger than ${configBytesMax} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof CachelaneError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    throw broken(
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'is not UTF-8 text' : `cannot be read (${code})`,
      error,
    );
  }
}

function broken(why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_CONFIG', `${configFileName} ${why}`, { cause });
}
