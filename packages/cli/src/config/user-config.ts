import { CachelaneError, isCachelaneError } from '@cachelane/core';
import { type Stats, closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { UserConfig } from './config-types.ts';
import { nodeFiles } from '../base/file-reader.ts';
import { type HomeRequest, userHome } from '../home/home.ts';

const configBytesMax = 262_144;

/** Returns `$XDG_CONFIG_HOME/cachelane/config.yaml`, else the one below `~/.config`; null without a home directory. */
function userConfigPath(request: HomeRequest): string | null {
  const env = request.configEnv ?? request.env;
  const xdg = env['XDG_CONFIG_HOME'];
  // The XDG specification ignores relative paths.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'cachelane/config.yaml');
  const home = userHome({ ...request, env });
  return home === undefined ? null : join(home, '.config/cachelane/config.yaml');
}

/**
 * Reads the user's file; null if there is none. It decides where caches come from, so like ssh this refuses a file that others could have
 * written: the user or root must own it, and nobody else may write to it. Throws E_CONFIG.
 */
export async function readUserConfig(request: HomeRequest): Promise<UserConfig | null> {
  const path = userConfigPath(request);
  const text = path === null ? null : readOwn(path, request.effectiveUid);
  if (path === null || text === null) return null;
  // Loading the parser takes longer than a small run, so only users with a file pay.
  const { parseUserConfig } = await import('./user-config-parse.ts');
  return parseUserConfig(text, path);
}

/** Like {@link readUserConfig}, but returns null for an invalid file: commands that need the file report the problem. */
export async function validUserConfig(request: HomeRequest): Promise<UserConfig | null> {
  try {
    return await readUserConfig(request);
  } catch (error) {
    if (isCachelaneError(error, 'E_CONFIG')) return null;
    throw error;
  }
}

function readOwn(path: string, uid: number): string | null {
  let file: number;
  try {
    // Non-blocking, since a pipe at this path must not hang the command.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    // An unreadable file is an error. An inaccessible home counts as no file.
    if (nodeFiles.ownerOf(path) === undefined) return null;
    throw broken(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  try {
    requireOwn(path, fstatSync(file), uid);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof CachelaneError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'is not UTF-8 text' : `cannot be read (${code})`;
    throw broken(path, why, { cause: error });
  } finally {
    closeSync(file);
  }
}

function requireOwn(path: string, stats: Stats, uid: number): void {
  if (!stats.isFile()) throw broken(path, 'is not a file');
  if (stats.size > configBytesMax) throw broken(path, `is larger than ${configBytesMax} bytes`);
  if (stats.uid !== uid && stats.uid !== 0) {
    throw broken(path, `belongs to user ${stats.uid}, and this command runs as user ${uid}`, {
      hint: 'the file must belong to you or to root',
    });
  }
  if ((stats.mode & 0o022) !== 0) {
    throw broken(path, 'can be written by others, who could redirect your caches', {
      hint: `chmod go-w ${path}`,
    });
  }
}

function broken(
  path: string,
  why: string,
  options: { readonly hint?: string; readonly cause?: unknown } = {},
): CachelaneError {
  return new CachelaneError('E_CONFIG', `${path} ${why}`, options);
}
