import { describe, expect, test } from 'vitest';
import { chooseProvider, wishText, type ProviderWish } from './choose-provider.ts';
import { parseProviderRef, providerKinds } from './provider-ref.ts';
import { providerRight, providerSources, type ProviderSourceKind } from './provider-rights.ts';

function wish(by: ProviderSourceKind, text: string): ProviderWish {
  return { ref: parseProviderRef(text, by), by, source: by };
}

test('without requests there is no choice', () => {
  expect(chooseProvider([])).toBeNull();
});

test('flag over environment over user file over session over repository', () => {
  const wishes = providerSources.map((by, index) => wish(by, `dir:/${index}`));
  for (let from = 0; from < wishes.length; from++) {
    const choice = chooseProvider(wishes.slice(from).toReversed());
    expect(choice?.by).toBe(providerSources[from]);
    expect(choice?.overridden.map(({ by }) => by)).toEqual(providerSources.slice(from + 1));
  }
});

test('of one source the last request wins', () => {
  const choice = chooseProvider([wish('user', 'none:'), wish('user', 'dir:/mnt')]);
  expect(choice === null ? '' : wishText(choice)).toBe('dir:/mnt (user)');
});

describe('who may choose', () => {
  const kinds = [...providerKinds, 'vault'];
  const right = (by: ProviderSourceKind) =>
    Object.fromEntries(kinds.map((kind) => [kind, providerRight(by, { kind }).kind]));

  test.each(['flag', 'environment', 'user'] as const)('%s: anything', (by) => {
    expect(new Set(Object.values(right(by)))).toEqual(new Set(['own']));
  });

  test.each(['session', 'repository'] as const)('%s: what does not reach out', (by) => {
    expect(right(by)).toEqual({
      project: 'granted',
      catalog: 'granted',
      none: 'own',
      dir: 'refused',
      host: 'refused',
      'docker-volume': 'refused',
      oci: 'refused',
      vault: 'refused',
    });
  });
});
