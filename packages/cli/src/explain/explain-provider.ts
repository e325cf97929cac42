import { lockFileName, providerText, wishText } from '@cachelane/core';
import type { VolumeRequest } from '@cachelane/engine';
import type { Explained } from './explained.ts';

type Provided = Pick<Explained, 'provider' | 'overridden'>;

export function providerJson({ provider, overridden }: Provided): unknown {
  if (provider === null) return null;
  return {
    ...provider,
    overridden: overridden.map(({ ref, source }) => ({ provider: providerText(ref), chosenBy: source })),
  };
}

export function providerFields({ provider, overridden }: Provided): readonly (readonly [string, string])[] {
  if (provider === null) return [['provider', 'project: (the default)']];
  return [
    ['provider', `${provider.provider} (${provider.chosenBy}): ${provider.gives}`],
    ...overridden.map((wish) => ['overridden', wishText(wish)] as const),
  ];
}

type Requested = Pick<VolumeRequest, 'defined' | 'provider'>;

export function definitionJson({ defined }: Requested): unknown {
  if (defined === undefined) return null;
  const { namespace, name, version } = defined.definition;
  return { name, namespace, version, isLocked: defined.byLock !== undefined, isInStore: defined.byLock !== 'alone' };
}

/** Returns the catalog definition that was asked for; null: none. */
export function definitionText({ defined, provider }: Requested): string | null {
  if (defined === undefined) return null;
  const { namespace, name, version } = defined.definition;
  const store = provider === undefined ? 'this store' : 'the latest in this store; the project has locked none';
  const locked = `${lockFileName}${defined.byLock === 'alone' ? '; this store does not have it' : ''}`;
  return `${name} of ${namespace}, version ${version} (${defined.byLock === undefined ? store : locked})`;
}

export function definitionFields(request: Requested): readonly (readonly [string, string])[] {
  const text = definitionText(request);
  return text === null ? [] : [['definition', text]];
}
