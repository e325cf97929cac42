import { CachelaneError, configFileName } from '@cachelane/core';
import { readFileSync, statSync } from 'node:fs';
import type { Config } from './config-types.ts';

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
