import type { Namespace } from '@cachelane/core';
import { listCatalogs, requireDefinition } from '@cachelane/engine';
import { mayKnowOffer } from '../request/caller.ts';
import { catalogNode, definitionNode } from '../nodes/catalog-node.ts';
import { nodesPerPage } from '../nodes/volume-page.ts';
import { pageOf, type Page, type PageArguments } from '../values/pages.ts';
import type { ApiRequest } from '../request/request.ts';
import { namespaceIn } from '../volumes/find-volume.ts';
import { catalogIn, type CatalogArguments } from '../volumes/offered.ts';

export interface CatalogsArguments extends PageArguments {
  readonly under?: string | null;
}

export interface DefinitionArguments extends CatalogArguments {
  readonly name: string;
}

export async function catalog(request: ApiRequest, args: CatalogArguments): Promise<object> {
  return catalogNode(request, await catalogIn(request, args));
}

export async function catalogs(request: ApiRequest, { under, ...page }: CatalogsArguments): Promise<Page<object>> {
  const { world, caller, signal } = request;
  const mayKnow = (names: readonly Namespace[]): boolean => mayKnowOffer(caller, names);
  const all = await listCatalogs(world.deps.metadata, { under: namespaceIn(under), mayKnow }, signal);
  const { nodes, pageInfo } = pageOf({ all, keyOf: ({ namespace }) => namespace, atMost: nodesPerPage }, page);
  return { nodes: nodes.map((each) => catalogNode(request, each)), pageInfo };
}

export async function definition(request: ApiRequest, { name, ...args }: DefinitionArguments): Promise<object> {
  const found = await catalogIn(request, args);
  const { metadata } = request.world.deps;
  return definitionNode(request, found, await requireDefinition(metadata, { catalog: found, name }, request.signal));
}
