import { closeSync, constants, fstatSync, openSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CachelaneError, isProviderKind, providerWords, type Provider } from '@cachelane/core';
import type { Located } from '../config/config-types.ts';

export interface ModulesRequest {
  /** Absolute paths with their lines in the configuration. */
  readonly modules: readonly Located<string>[];
  /** The configuration file. */
  readonly configPath: string;
  readonly effectiveUid: number;
}

/**
 * Loads the providers of the user's modules, in order. Errors: E_CONFIG for a file that others could have written, that fails to load, or
 * that exports no provider.
 */
export async function loadProviders({
  modules,
  configPath,
  effectiveUid,
}: ModulesRequest): Promise<readonly Provider[]> {
  const found: Provider[] = [];
  for (const { value: path, line } of modules) {
    const refuse = (why: string, cause?: unknown): CachelaneError =>
      new CachelaneError('E_CONFIG', `${configPath}:${line}: ${path} ${why}`, { cause });
    requireOwn(path, effectiveUid, refuse);
    const { default: provider } = (await importModule(path, refuse)) as { readonly default?: unknown };
    if (!isProvider(provider)) throw refuse('exports no provider: its default export has no kind or no provide()');
    if (isProviderKind(provider.kind)) throw refuse(`has the kind ${provider.kind}, which is built in`);
    if (found.some(({ kind }) => kind === provider.kind))
      throw refuse(`has the kind ${provider.kind}, which another module has too`);
    found.push(provider);
  }
  return found;
}

type Refuse = (why: string, cause?: unknown) => CachelaneError;

/** The module runs as the user, so nobody else may have written it. */
function requireOwn(path: string, uid: number, refuse: Refuse): void {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw refuse(`cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw refuse('is not a file');
    if (stats.uid !== uid && stats.uid !== 0)
      throw refuse(`belongs to user ${stats.uid}, and this command runs as user ${uid}`);
    if ((stats.mode & 0o022) !== 0) throw refuse('can be written by others');
    for (const dir of [...dirsAbove(path), ...dirsAbove(realpathSync(path))]) requireOwnDir(dir, uid, refuse);
  } finally {
    closeSync(file);
  }
}

function dirsAbove(path: string): readonly string[] {
  const dir = dirname(path);
  return dir === path ? [] : [dir, ...dirsAbove(dir)];
}

/** Whoever can write to a parent directory can replace the file. A sticky directory (`/tmp`) is safe. */
function requireOwnDir(dir: string, uid: number, refuse: Refuse): void {
  const stats = statSync(dir);
  if (stats.uid !== uid && stats.uid !== 0) throw refuse(`is below ${dir}, which belongs to user ${stats.uid}`);
  const isSticky = (stats.mode & 0o1000) !== 0;
  if ((stats.mode & 0o022) !== 0 && !isSticky) throw refuse(`is below ${dir}, a directory that others can write to`);
}

async function importModule(path: string, refuse: Refuse): Promise<unknown> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    throw refuse(`cannot be loaded: ${providerWords(error)}`, error);
  }
}

function isProvider(value: unknown): value is Provider {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, provide } = value as Readonly<Record<string, unknown>>;
  return typeof kind === 'string' && /^[a-z][a-z0-9-]{0,63}$/.test(kind) && typeof provide === 'function';
}
