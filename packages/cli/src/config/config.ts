import { CachelaneError, configFileName } from '@cachelane/core';
import { readFileSync, statSync } from 'node:fs';
import type { Config } from './config-types.ts';

/** More than any written file needs. Bounds the parser's memory. */
const configBytesMax = 262_144;

/** Throws E_CONFIG with every problem: line, column and reason. */
export async function readConfig(path: string): Promise<Config> {
  const text = readText(path);
  // Loading the parser takes longer than a small run, so only projects with a file pay.
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
