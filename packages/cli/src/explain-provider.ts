import { providerText, wishText } from '@cachelane/core';
import type { Explained } from './explain-volume.ts';

type Provided = Pick<Explained, 'provider' | 'overridden'>;

export function providerJson({ provider, overridden }: Provided): unknown {
  if (provider === null) return null;
  return {
    ...provider,
    overridden: overridden.map(({ ref, source }) => ({ provider: providerText(ref), chosenBy: source })),
  };
}

export function providerFields({ provider, overridden }: Provided): readonly (readonly [string, string])[] {
  if (provider === null) return [['provider', 'project: (nobody chose another one)']];
  return [
    ['provider', `${provider.provider} (${provider.chosenBy}): ${provider.gives}`],
    ...overridden.map((wish) => ['overridden', wishText(wish)] as const),
  ];
}
