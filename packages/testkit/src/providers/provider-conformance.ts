import { describe, test } from 'vitest';
import { providerLaws, type ProviderFixture } from './provider-laws.ts';

/** What every provider keeps, ours and those of others. `open` makes a world in which it works; it is called for each test. */
export function providerConformance(name: string, open: () => Promise<ProviderFixture>): void {
  describe(`provider: ${name}`, () => {
    test.each(providerLaws)('$name', async (law) => {
      await using fixture = await open();
      await law.check(fixture);
    });
  });
}
