import { statSync } from 'node:fs';
import type { TrustLevel } from '@cachelane/core';
import type { GarbageOptions } from '@cachelane/engine';
import type { HomeRequest } from '../home/home.ts';
import { readUserConfig } from './user-config.ts';

/** What a collection goes by beside the store. Errors: E_CONFIG where the person's own file cannot be used: it may say that something is to stay. */
export async function garbageOptions(host: HomeRequest, upTo: TrustLevel = 'T3'): Promise<GarbageOptions> {
  const policy = (await readUserConfig(host))?.policy ?? {};
  return { policy, upTo, isThere };
}

/** In doubt it is. */
function isThere(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
