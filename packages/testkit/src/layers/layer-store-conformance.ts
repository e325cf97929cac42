import { describe } from 'vitest';
import { contentConformance } from './conformance-content.ts';
import { damageConformance } from './conformance-damage.ts';
import { derivedConformance } from './conformance-derived.ts';
import { lifeConformance } from './conformance-layers.ts';
import { wireConformance } from './conformance-wire.ts';
import type { LayerStoreFactory } from './layer-store-fixture.ts';

/** The conformance suite of the `LayerStore` port: one test for each guarantee of its contract. `create` makes an empty store for each test. */
export function layerStoreConformance(name: string, create: LayerStoreFactory): void {
  describe(`layer store: ${name}`, () => {
    contentConformance(create);
    lifeConformance(create);
    derivedConformance(create);
    damageConformance(create);
    wireConformance(create);
  });
}
