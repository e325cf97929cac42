import { statSync } from 'node:fs';
import type { TrustLevel } from '@cachelane/core';
import type { GarbageOptions } from '@cachelane/engine';
import type { HomeRequest } from '../home/home.ts';
import { readUserConfig } from './user-config.ts';

/** Returns the options of a collection. Errors: E_CONFIG if the user's file is unusable, since it may protect caches. */
export async function garbageOptions(host: HomeRequest, upTo: TrustLevel = 'T3'): Promise<GarbageOptions> {
  const policy = (await readUserConfig(host))?.policy ?? {};
  return { policy, upTo, isThere };
}

/** Returns true in doubt. */
function isThere(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
