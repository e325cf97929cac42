import { isCachelaneError, type StatedPolicy } from '@cachelane/core';
import type { HomeRequest } from '../home/home.ts';
import { readUserConfig } from './user-config.ts';

/** Returns the lifetimes and sizes of the user's file. If the file is unusable, returns none; opening the remote warns about it. */
export async function runPolicy(host: HomeRequest): Promise<StatedPolicy> {
  try {
    return (await readUserConfig(host))?.policy ?? {};
  } catch (error) {
    if (isCachelaneError(error, 'E_CONFIG')) return {};
    throw error;
  }
}
