import { isCachelaneError } from '@cachelane/core';
import type { Host } from './host.ts';
import { readUserConfig } from './user-config.ts';
import { wishOf } from './wish.ts';

const variable = 'CACHELANE_PERSONAL_TIER';

/** Who wants a tier of their own below all projects, in words for people; null: nobody. No file of a repository has a say in it. */
export async function personalTierWish(host: Host): Promise<string | null> {
  const wish = wishOf(host.env[variable]);
  if (wish !== null) return wish === 'yes' ? `${variable} in the environment` : null;
  try {
    const config = await readUserConfig(host);
    return config?.personalTier?.value === true ? `${config.path}:${config.personalTier.line}` : null;
  } catch (error) {
    // Whoever needs the file to go on says what is wrong with it.
    if (isCachelaneError(error, 'E_CONFIG')) return null;
    throw error;
  }
}
