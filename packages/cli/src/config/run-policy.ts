import { isCachelaneError, type StatedPolicy } from '@cachelane/core';
import type { HomeRequest } from '../home/home.ts';
import { readUserConfig } from './user-config.ts';

/** What the person's own file says of lifetimes and sizes, for a run. Where it cannot be used none of it counts, which is told where the remote is chosen. */
export async function runPolicy(host: HomeRequest): Promise<StatedPolicy> {
  try {
    return (await readUserConfig(host))?.policy ?? {};
  } catch (error) {
    if (isCachelaneError(error, 'E_CONFIG')) return {};
    throw error;
  }
}
