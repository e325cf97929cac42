import { expect, test } from 'vitest';
import { digestOf, type Metadata, type Namespace, type NamespaceId, type VolumeName } from '@cachelane/core';
import { countingIds, memoryMetadata, noAbort } from '@cachelane/testkit';
import { renameNamespace } from './rename-namespace.ts';

const [web, site] = ['github.com/acme/web', 'teams/site'] as unknown as [Namespace, Namespace];
const said = { volume: 'npm' as VolumeName, atMs: 1, by: 'ann' };
const everyone = { namespace: 'github.com/acme' as Namespace, below: true };

const grant = async (metadata: Metadata, ownerId: NamespaceId): Promise<() => Promise<unknown>> => {
  const row = { ...said, ownerId, to: everyone, access: 'read', trust: 'T1' } as const;
  await metadata.putGrant(row, noAbort);
  return async () => await metadata.removeGrant(row, noAbort);
};
const feed = async (metadata: Metadata, tierId: NamespaceId): Promise<() => Promise<unknown>> => {
  const row = { ...said, tierId, from: everyone, lanes: 'default' } as const;
  await metadata.putFeed(row, noAbort);
  return async () => await metadata.removeFeed(row, noAbort);
};
const publish = async (metadata: Metadata, namespaceId: NamespaceId): Promise<() => Promise<unknown>> => {
  const content = { namespaceId, text: '{}', digest: digestOf('{}'), publishedAtMs: 1, by: 'ann' };
  await metadata.publishCatalog({ ...content, expectedVersion: 0 }, noAbort);
  return async () => await metadata.removeCatalogVersion(namespaceId, 1, noAbort);
};

test.each([
  ['grants', grant],
  ['feed rules', feed],
  ['a catalog', publish],
])('a namespace with %s keeps its only name, also in a dry run', async (what, say) => {
  await using metadata = memoryMetadata();
  const ids = countingIds();
  const make = async (path: Namespace): Promise<NamespaceId> =>
    (await metadata.createNamespace({ path, freshId: ids.namespace(), atMs: 1 }, noAbort)).namespace.id;
  const [mine, others] = [await make(web), await make(site)];
  const withdraw = await say(metadata, others);
  const rename = async (dryRun: boolean) => await renameNamespace(metadata, { from: web, to: site, dryRun }, noAbort);
  for (const dryRun of [true, false]) {
    await expect(rename(dryRun)).rejects.toMatchObject({
      code: 'E_NAMESPACE',
      message: `${site} is another namespace with ${what} of its own`,
    });
  }
  expect(await metadata.findNamespace(site, noAbort)).toMatchObject({ id: others });
  // It has another name, so it keeps its grants and feed rules.
  await metadata.aliasNamespace(site, 'teams/old' as Namespace, noAbort);
  expect(await rename(true)).toEqual({ id: mine, volumes: [] });
  await withdraw();
  expect(await rename(false)).toEqual({ id: mine, volumes: [] });
  expect(await metadata.findNamespace(site, noAbort)).toMatchObject({ id: mine });
});
