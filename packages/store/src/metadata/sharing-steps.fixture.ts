import fc from 'fast-check';
import {
  digestOf,
  scopeNamespace,
  type FeedRecord,
  type GrantRecord,
  type LaneName,
  type Metadata,
  type Namespace,
  type NamespaceId,
  type VolumeName,
} from '@cachelane/core';
import { noAbort, type TestIds } from '@cachelane/testkit';

/** One of the two stores that must answer alike. */
export interface World {
  readonly metadata: Metadata;
  readonly ids: TestIds;
  nowMs: number;
}

export const kind = <const K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);
export const nth = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];

export const paths: readonly Namespace[] = ['local/web-0123', 'github.com/acme/web', 'github.com/acme/api'].map(
  (path) => path as Namespace,
);
/** Names to query, and grantees. */
const names = [...paths, ...paths.map((path) => scopeNamespace(path, ['npm'])), 'github.com/acme' as Namespace];

const absent = 'github.com/nobody' as Namespace;

const grantee = fc.record({ namespace: fc.constantFrom(...names), below: fc.boolean() });
const volume = fc.option(fc.constantFrom('npm' as VolumeName, 'pip' as VolumeName));
const lanes = fc.constantFrom<FeedRecord['lanes'][]>('default', 't1:local' as LaneName);
/** Selects one of the existing items. */
const index = fc.nat({ max: 4 });

/** `of` selects one of the existing namespaces. */
type SharingStep = { readonly of: number } & (
  | ({ readonly kind: 'grant' } & Pick<GrantRecord, 'volume' | 'to' | 'access' | 'trust'>)
  | ({ readonly kind: 'feed' } & Pick<FeedRecord, 'volume' | 'from' | 'lanes'>)
  | { readonly kind: 'withdraw' | 'unfeed' | 'unpublish'; readonly index: number }
  | { readonly kind: 'publish'; readonly text: string; readonly isLate: boolean }
  | { readonly kind: 'use'; readonly by: number; readonly definition: string; readonly index: number }
);
type StepOf<K extends SharingStep['kind']> = Extract<SharingStep, { readonly kind: K }>;

/** Random steps with grants, feeds and catalogs. */
export const sharingStep: fc.Arbitrary<SharingStep> = fc.oneof(
  fc.record({
    kind: kind('grant'),
    of: index,
    volume,
    to: grantee,
    access: fc.constantFrom('read', 'write'),
    trust: fc.constantFrom('T1', 'T2'),
  }),
  fc.record({ kind: kind('withdraw'), of: index, index }),
  fc.record({ kind: kind('feed'), of: index, volume, from: grantee, lanes }),
  fc.record({ kind: kind('unfeed'), of: index, index }),
  fc.record({ kind: kind('publish'), of: index, text: fc.constantFrom('a', 'b', 'c'), isLate: fc.boolean() }),
  fc.record({ kind: kind('unpublish'), of: index, index }),
  fc.record({ kind: kind('use'), of: index, by: index, definition: fc.constantFrom('npm', 'pip'), index }),
);

export async function share(world: World, step: SharingStep): Promise<unknown> {
  const { metadata, nowMs: atMs } = world;
  const id = await namespaceAt(world, step.of);
  switch (step.kind) {
    case 'grant': {
      const { volume, to, access, trust } = step;
      return metadata.putGrant({ ownerId: id, volume, to, access, trust, atMs, by: 'ann' }, noAbort);
    }
    case 'withdraw': {
      const grant = nth(await metadata.grantsOf(id, noAbort), step.index);
      const none = { ownerId: id, volume: null, to: { namespace: absent, below: false } };
      return metadata.removeGrant(grant ?? none, noAbort);
    }
    case 'feed': {
      const { volume, from, lanes } = step;
      return metadata.putFeed({ tierId: id, volume, from, lanes, atMs, by: 'ann' }, noAbort);
    }
    case 'unfeed': {
      const feed = nth(await metadata.feedsOf(id, noAbort), step.index);
      const none = {
        tierId: id,
        volume: null,
        from: { namespace: absent, below: false },
        lanes: 'default',
      } as const;
      return metadata.removeFeed(feed ?? none, noAbort);
    }
    case 'publish':
      return publish(world, id, step);
    case 'unpublish': {
      const record = nth(await metadata.catalogVersions(id, noAbort), step.index);
      return metadata.removeCatalogVersion(id, record?.version ?? 1, noAbort);
    }
    case 'use': {
      const { definition, index: version } = step;
      const volumeId = nth(await metadata.listVolumes(noAbort), version)?.id ?? null;
      const consumerId = await namespaceAt(world, step.by);
      return metadata.noteCatalogUse({ namespaceId: id, definition, version, consumerId, volumeId, atMs }, noAbort);
    }
  }
}

async function namespaceAt({ metadata, ids }: World, of: number): Promise<NamespaceId> {
  return nth(await metadata.listNamespaces(noAbort), of)?.id ?? ids.namespace();
}

async function publish(
  { metadata, nowMs }: World,
  namespaceId: NamespaceId,
  { text, isLate }: StepOf<'publish'>,
): Promise<unknown> {
  const latest = await metadata.catalogVersion(namespaceId, null, noAbort);
  const expectedVersion = Math.max(0, (latest?.version ?? 0) - (isLate ? 1 : 0));
  const content = { namespaceId, text, digest: digestOf(text), publishedAtMs: nowMs, by: 'ann' };
  return await metadata.publishCatalog({ ...content, expectedVersion }, noAbort);
}

/** Returns all grants, feeds, catalogs and uses. */
export async function allShared({ metadata }: World): Promise<unknown> {
  const namespaces = await metadata.listNamespaces(noAbort);
  return {
    grantsTo: await Promise.all(
      [names, ...names.map((name) => [name])].map((each) => metadata.grantsTo(each, noAbort)),
    ),
    catalogs: await metadata.listCatalogs(noAbort),
    ofEach: await Promise.all(
      namespaces.map(async ({ id }) => ({
        grants: await metadata.grantsOf(id, noAbort),
        feeds: await metadata.feedsOf(id, noAbort),
        latest: await metadata.catalogVersion(id, null, noAbort),
        versions: await metadata.catalogVersions(id, noAbort),
        uses: await metadata.catalogUses(id, null, noAbort),
        npmUses: await metadata.catalogUses(id, 'npm', noAbort),
      })),
    ),
  };
}
