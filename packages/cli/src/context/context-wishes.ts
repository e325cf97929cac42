import type { ContextSources } from '@cachelane/core';
import type { Host } from '../host/host.ts';
import { validUserConfig } from '../config/user-config.ts';
import type { UserConfig } from '../config/config-types.ts';
import { wishOf } from '../base/wish.ts';

const variable = 'CACHELANE_PERSONAL_TIER';

/** Returns the user's settings for every context. No file of a repository can change them. */
export async function contextWishes(host: Host): Promise<Pick<ContextSources, 'personalTier' | 'userParents'>> {
  const config = await validUserConfig(host);
  return { personalTier: personalTier(host, config), userParents: config?.parents ?? [] };
}

function personalTier(host: Host, config: UserConfig | null): string | null {
  const wish = wishOf(host.env[variable]);
  if (wish !== null) return wish === 'yes' ? `${variable} in the environment` : null;
  return config?.personalTier?.value === true ? `${config.path}:${config.personalTier.line}` : null;
}
