import { describe, test } from 'vitest';
import { providerLaws, type ProviderFixture } from './provider-laws.ts';

/** The conformance suite of providers. `open` makes the world for each test. */
export function providerConformance(name: string, open: () => Promise<ProviderFixture>): void {
  describe(`provider: ${name}`, () => {
    test.each(providerLaws)('$name', async (law) => {
      await using fixture = await open();
      await law.check(fixture);
    });
  });
}
