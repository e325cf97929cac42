import { dirname, join, sep } from 'node:path';
import { CachelaneError, configFileName, projectFiles } from '@cachelane/core';
import type { FileReader } from './file-reader.ts';
import { findRepository, type GitRepository } from './git.ts';
import { isShared, isTrusted } from './ownership.ts';

export interface ProjectRequest {
  readonly cwd: string;
  /** Absolute; null where there is none. */
  readonly homeDir: string | null;
  readonly files: FileReader;
}

/** The directory that a namespace is about. */
export interface Project {
  /** Absolute, real. */
  readonly directory: string;
  /** What made it one, for people: `package.json`, `root of the git repository`, `working directory`. */
  readonly source: string;
  readonly repository: GitRepository | null;
  /** Absolute path of the cachelane.yaml that counts: the project's own, else the nearest above it in the repository. */
  readonly configPath: string | null;
}

/**
 * The nearest directory from `cwd` upwards that a tool or our own file makes a project; inside a git work tree not above
 * its root, which is a project in any case; elsewhere not above the home directory, and `cwd` itself where there is
 * none. Throws E_USAGE when `cwd` does not exist.
 */
export function findProject({ cwd, homeDir, files }: ProjectRequest): Project {
  const start = files.realPath(cwd);
  if (start === undefined) throw new CachelaneError('E_USAGE', `there is no directory ${JSON.stringify(cwd)}`);
  const repository = findRepository(start, files);
  const top = repository?.root ?? (homeDir === null ? null : (files.realPath(homeDir) ?? null));
  const isOpen = (at: string): boolean => at !== start && isShared(at, start, files);
  const found = nearest({ start, top, isOpen }, (at) => markerOf(at, start, files));
  if (repository === null) {
    const directory = found?.directory ?? start;
    const configPath = found?.marker === configFileName ? join(directory, configFileName) : null;
    return { directory, source: found?.marker ?? 'working directory', repository, configPath };
  }
  const directory = found?.directory ?? repository.root;
  const config = nearest({ start: directory, top: repository.root, isOpen }, (at) => {
    const path = join(at, configFileName);
    return files.exists(path) && isTrusted(path, start, files) ? true : null;
  });
  return {
    directory,
    source: found?.marker ?? 'root of the git repository',
    repository,
    configPath: config === null ? null : join(config.directory, configFileName),
  };
}

interface Way {
  readonly start: string;
  /** Null: the root of the file system. */
  readonly top: string | null;
  /** A directory that others can leave files in: neither it nor what lies above it is looked at. */
  readonly isOpen: (directory: string) => boolean;
}

/** The first directory of the way for which `ask` has an answer. */
function nearest<T>(
  { start, top, isOpen }: Way,
  ask: (directory: string) => T | null,
): { readonly directory: string; readonly marker: T } | null {
  for (let directory = start; ; directory = dirname(directory)) {
    if (isOpen(directory)) return null;
    const marker = ask(directory);
    if (marker !== null) return { directory, marker };
    if (directory === top || directory === dirname(directory)) return null;
  }
}

function markerOf(directory: string, start: string, files: FileReader): string | null {
  const prefix = directory.endsWith(sep) ? directory : directory + sep;
  for (const name of projectFiles) {
    if (!files.exists(prefix + name) || files.facts(prefix + name)?.kind !== 'file') continue;
    if (name === configFileName && !isTrusted(prefix + name, start, files)) continue;
    return name;
  }
  return null;
}
