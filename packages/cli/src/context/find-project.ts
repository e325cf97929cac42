import { dirname, join, sep } from 'node:path';
import { CachelaneError, configFileName, misnamedConfigFile, projectFiles } from '@cachelane/core';
import type { FileReader } from '../base/file-reader.ts';
import { findRepository, type GitRepository } from './git.ts';
import { isShared, isTrusted } from './ownership.ts';

export interface ProjectRequest {
  readonly cwd: string;
  /** Null if there is none. */
  readonly homeDir: string | null;
  readonly files: FileReader;
}

/** The directory that a namespace names. */
export interface Project {
  readonly directory: string;
  /** What identifies it, for messages: `package.json`, `root of the git repository`, `working directory`. */
  readonly source: string;
  readonly repository: GitRepository | null;
  /** Path of the cachelane.yaml that applies: the project's, else the nearest above it in the repository. */
  readonly configPath: string | null;
  /** Warnings about similar files that are ignored, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Returns the nearest directory from `cwd` upwards with a tool's file or cachelane.yaml. In a git work tree the search ends at its root, which
 * is always a project; elsewhere below the home directory. Without a match, returns `cwd`. Throws E_USAGE if `cwd` does not exist.
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
    const warnings = misnamedIn(directory, start, files);
    return { directory, source: found?.marker ?? 'working directory', repository, configPath, warnings };
  }
  const directory = found?.directory ?? repository.root;
  const warnings: string[] = [];
  const config = nearest({ start: directory, top: repository.root, isOpen }, (at) => {
    warnings.push(...misnamedIn(at, start, files));
    return isOurs(join(at, configFileName), start, files) ? true : null;
  });
  return {
    directory,
    source: found?.marker ?? 'root of the git repository',
    repository,
    configPath: config === null ? null : join(config.directory, configFileName),
    warnings,
  };
}

/** Returns the nearest file of this name from `directory` up to `top` that belongs to a trusted user; null if there is none. */
export function nearestFile(
  { directory, top, name }: { readonly directory: string; readonly top: string; readonly name: string },
  files: FileReader,
): string | null {
  const isOpen = (at: string): boolean => at !== directory && isShared(at, directory, files);
  const ask = (at: string): string | null => (isOurs(join(at, name), directory, files) ? join(at, name) : null);
  return nearest({ start: directory, top, isOpen }, ask)?.marker ?? null;
}

/** An unreadable file (a directory, a broken symlink) counts, so that its reader reports it. */
function isOurs(path: string, start: string, files: FileReader): boolean {
  return files.ownerOf(path) !== undefined && isTrusted(path, start, files);
}

function misnamedIn(directory: string, start: string, files: FileReader): readonly string[] {
  const path = join(directory, misnamedConfigFile);
  return isOurs(path, start, files) ? [`${path} is ignored: the file must be named ${configFileName}`] : [];
}

interface Way {
  readonly start: string;
  /** Null for the root of the file system. */
  readonly top: string | null;
  /** Whether others can write to the directory. The search stops before such a directory. */
  readonly isOpen: (directory: string) => boolean;
}

/** Returns the first answer on the way up. */
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
    const path = prefix + name;
    const counts =
      name === configFileName ? isOurs(path, start, files) : files.exists(path) && files.facts(path)?.kind === 'file';
    if (counts) return name;
  }
  return null;
}
