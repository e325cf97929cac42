import { configFileName, formatPolicyValue, isStatedKey, type PolicyTexts, type StatedKey } from '@cachelane/core';
import type { Config } from './config-types.ts';

/** Returns the project file's lifetimes and sizes in the form that the store keeps for collections; null if there are none. */
export function lanePolicyOf(
  config: Pick<Config, 'policy'> | null,
): { readonly texts: PolicyTexts; readonly source: string } | null {
  const texts: Partial<Record<StatedKey, string>> = {};
  for (const [key, stated] of Object.entries(config?.policy ?? {})) {
    if (isStatedKey(key) && stated !== undefined) texts[key] = formatPolicyValue(key, stated.value);
  }
  return Object.keys(texts).length === 0 ? null : { texts, source: configFileName };
}
