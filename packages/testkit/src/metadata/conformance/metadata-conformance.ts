import { describe } from 'vitest';
import { catalogConformance } from './conformance-catalogs.ts';
import { collectionConformance } from './conformance-collection.ts';
import { concurrencyConformance } from './conformance-concurrency.ts';
import { crashConformance } from './conformance-crash.ts';
import { factsConformance } from './conformance-facts.ts';
import type { MetadataFactory } from '../metadata-fixture.ts';
import { garbageConformance } from './conformance-garbage.ts';
import { growthConformance } from './conformance-growth.ts';
import { headConformance } from './conformance-heads.ts';
import { mountDirConformance } from './conformance-mount-dirs.ts';
import { namespaceConformance } from './conformance-namespaces.ts';
import { ownNameConformance } from './conformance-own-names.ts';
import { revocationConformance } from './conformance-revocations.ts';
import { sessionConformance } from './conformance-sessions.ts';
import { sharingConformance } from './conformance-sharing.ts';
import { squashConformance } from './conformance-squashes.ts';
import { syncedCommitConformance } from './conformance-synced-commits.ts';
import { syncConformance } from './conformance-sync.ts';
import { tierConformance } from './conformance-tiers.ts';
import { volumeConformance } from './conformance-volumes.ts';

/** The conformance suite of the `Metadata` port: one test for each guarantee of its contract. `create` makes an empty store for each test. */
export function metadataConformance(name: string, create: MetadataFactory): void {
  describe(`metadata: ${name}`, () => {
    namespaceConformance(create);
    ownNameConformance(create);
    headConformance(create);
    volumeConformance(create);
    garbageConformance(create);
    sessionConformance(create);
    mountDirConformance(create);
    squashConformance(create);
    revocationConformance(create);
    syncConformance(create);
    syncedCommitConformance(create);
    collectionConformance(create);
    factsConformance(create);
    growthConformance(create);
    sharingConformance(create);
    catalogConformance(create);
    tierConformance(create);
    concurrencyConformance(create);
    crashConformance(create);
  });
}
