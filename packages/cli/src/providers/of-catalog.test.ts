import { CachelaneError, parseProviderRef, type ErrorCode } from '@cachelane/core';
import { expect, test } from 'vitest';
import { ofCatalog } from './of-catalog.ts';

test.each<ErrorCode>(['E_CATALOG', 'E_LIMIT'])(
  'an unreadable lock (%s) fails when a volume needs it, not before',
  (code) => {
    const problem = new CachelaneError(code, 'that is no lock');
    const locked = (): never => {
      throw problem;
    };
    const ref = parseProviderRef('catalog:my-org/npm', '--provider');
    const wish = ofCatalog({ ref, by: 'flag', source: '--provider' }, { config: null, user: null, locked });
    expect(wish).toMatchObject({ ref, by: 'flag', alias: 'my-org' });
    expect(() => wish.locked?.()).toThrow(problem);
  },
);
