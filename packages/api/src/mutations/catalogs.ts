import { CachelaneError, type SharingMode } from '@cachelane/core';
import { publishCatalog, removeCatalog, requireWritable } from '@cachelane/engine';
import { changeNode } from '../nodes/catalog-node.ts';
import type { ApiRequest } from '../request/request.ts';
import { namespaceAt, namespaceIn } from '../volumes/find-volume.ts';

interface DefinitionInput {
  readonly name: string;
  readonly tool?: string | null;
  readonly key?: string | null;
  readonly tier: 'PROJECT' | 'CATALOG';
  readonly sharing?: SharingMode | null;
  readonly compat?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly docs?: string | null;
  readonly deprecated?: string | null;
}

export interface PublishArguments {
  readonly namespace?: string | null;
  readonly content: { readonly docs?: string | null; readonly definitions: readonly DefinitionInput[] };
  readonly breaking: boolean;
  readonly dryRun: boolean;
}

/**
 * Publishes a catalog version. Errors: E_USAGE, E_NAMESPACE, E_CATALOG, E_LIMIT, E_NOT_FOUND for a namespace that the
 * caller may not see.
 */
export async function publish(
  request: ApiRequest,
  { namespace, content, breaking, dryRun }: PublishArguments,
): Promise<object> {
  const { world, caller, signal } = request;
  const { context } = caller.project;
  requireWritable(context);
  const path = namespaceIn(namespace) ?? context.namespace;
  await namespaceAt(request, path);
  const value = { docs: content.docs ?? null, volumes: volumesIn(content.definitions) };
  const offer = { path, value, source: 'the catalog', by: context.namespace, breaking, dryRun };
  const { changes, ...published } = await publishCatalog(world.deps, offer, signal);
  return { ...published, changes: changes.map(changeNode) };
}

/** Returns the definitions as in YAML. Errors: E_CATALOG for a duplicate name. */
function volumesIn(definitions: readonly DefinitionInput[]): Readonly<Record<string, object>> {
  const seen = new Set<string>();
  for (const { name } of definitions) {
    if (seen.has(name))
      throw new CachelaneError('E_CATALOG', `the catalog defines ${JSON.stringify(name.slice(0, 100))} twice`);
    seen.add(name);
  }
  return Object.fromEntries(
    definitions.map(({ name, tier, compat, ...rest }) => {
      const fields = Object.fromEntries((compat ?? []).map((field) => [field.name, field.value]));
      return [name, { ...rest, tier: tier.toLowerCase(), compat: fields }];
    }),
  );
}

export interface RemoveCatalogArguments {
  readonly namespace?: string | null;
  readonly version: number;
  readonly dryRun: boolean;
}

/** Removes a catalog version. Errors: E_USAGE, E_NAMESPACE, E_NOT_FOUND. */
export async function removeVersion(
  request: ApiRequest,
  { namespace, version, dryRun }: RemoveCatalogArguments,
): Promise<object> {
  const { world, caller, signal } = request;
  requireWritable(caller.project.context);
  const path = namespaceIn(namespace) ?? caller.project.context.namespace;
  await namespaceAt(request, path);
  return await removeCatalog(world.deps.metadata, { path, version, dryRun }, signal);
}
