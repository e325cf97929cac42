import { configFileName, formatPolicyValue, isStatedKey, type PolicyTexts, type StatedKey } from '@cachelane/core';
import type { Config } from './config-types.ts';

/** What the project's file says of how long its lane lives and how large it may be, as the store keeps it for collections; null: nothing. */
export function lanePolicyOf(
  config: Pick<Config, 'policy'> | null,
): { readonly texts: PolicyTexts; readonly source: string } | null {
  const texts: Partial<Record<StatedKey, string>> = {};
  for (const [key, stated] of Object.entries(config?.policy ?? {})) {
    if (isStatedKey(key) && stated !== undefined) texts[key] = formatPolicyValue(key, stated.value);
  }
  return Object.keys(texts).length === 0 ? null : { texts, source: configFileName };
}
