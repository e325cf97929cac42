import { describe } from 'vitest';
import { concurrencyConformance } from './conformance-concurrency.ts';
import { crashConformance } from './conformance-crash.ts';
import type { MetadataFactory } from './conformance-fixture.ts';
import { garbageConformance } from './conformance-garbage.ts';
import { headConformance } from './conformance-heads.ts';
import { mountDirConformance } from './conformance-mount-dirs.ts';
import { namespaceConformance } from './conformance-namespaces.ts';
import { ownNameConformance } from './conformance-own-names.ts';
import { sessionConformance } from './conformance-sessions.ts';
import { volumeConformance } from './conformance-volumes.ts';

/**
 * What every driver of the `Metadata` port must do; each guarantee of the port's contract is a test here.
 * `create` makes an empty store, once for each test.
 */
export function metadataConformance(name: string, create: MetadataFactory): void {
  describe(`metadata: ${name}`, () => {
    namespaceConformance(create);
    ownNameConformance(create);
    headConformance(create);
    volumeConformance(create);
    garbageConformance(create);
    sessionConformance(create);
    mountDirConformance(create);
    concurrencyConformance(create);
    crashConformance(create);
  });
}
