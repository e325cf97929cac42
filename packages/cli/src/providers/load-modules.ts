import { closeSync, constants, fstatSync, openSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CachelaneError, isProviderKind, providerWords, type Provider } from '@cachelane/core';
import type { Located } from '../config.ts';

export interface ModulesRequest {
  /** Absolute paths, with the lines that name them. */
  readonly modules: readonly Located<string>[];
  /** The file that does. */
  readonly configPath: string;
  readonly effectiveUid: number;
}

/** The providers that a person's modules have, in their order. Errors: E_CONFIG for a file that others could have written, or that is no provider, with what it says where it cannot be loaded. */
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
    if (!isProvider(provider)) throw refuse('is no provider: its default export has no kind, or no provide()');
    if (isProviderKind(provider.kind)) throw refuse(`calls itself ${provider.kind}, which cachelane has already`);
    if (found.some(({ kind }) => kind === provider.kind))
      throw refuse(`calls itself ${provider.kind}, as another one does`);
    found.push(provider);
  }
  return found;
}

type Refuse = (why: string, cause?: unknown) => CachelaneError;

/** It runs as the person: as their own configuration, nobody else may have written it. */
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
    const { mode } = statSync(dirname(realpathSync(path)));
    if ((mode & 0o022) !== 0 && (mode & 0o1000) === 0) throw refuse('lies in a directory that others can write to');
  } finally {
    closeSync(file);
  }
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
