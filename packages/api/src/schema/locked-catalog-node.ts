import { methodName, type LockedCatalog } from '@cachelane/core';
import { volumesOf } from './catalog-types.ts';
import type { ApiRequest } from '../request/request.ts';
import { askForOffered, type OfferedVolumeArguments } from '../volumes/ask-for-volume.ts';
import { catalogIn } from '../volumes/offered.ts';
import { volumeNode } from '../nodes/volume-node.ts';

type Asked = Omit<OfferedVolumeArguments, 'name'>;

/** Returns the resolvers of a locked catalog. Sessions with the same lock share them. */
export function lockedCatalogNode(catalog: LockedCatalog): object {
  const { namespace, version, digest } = catalog;
  const ask = async (name: string, asked: Asked, request: ApiRequest): Promise<object> => {
    const offered = await catalogIn(request, { namespace, version, digest });
    return volumeNode(request, await askForOffered(request, offered, { ...asked, name }));
  };
  const methods = volumesOf(catalog).map(({ name }) => [
    methodName(name),
    async (asked: Asked, request: ApiRequest) => await ask(name, asked, request),
  ]);
  return Object.fromEntries(methods) as object;
}
