import {
  CachelaneError,
  catalogDigest,
  catalogText,
  compareCatalogs,
  limits,
  parseCatalogText,
  readCatalog,
  type CatalogContent,
  type CatalogRecord,
  type Clock,
  type DefinitionChange,
  type Digest,
  type Metadata,
  type Namespace,
  type Random,
  type Tool,
} from '@cachelane/core';
import { backOff } from '../base/back-off.ts';
import { createNamespace } from '../namespaces/create-namespace.ts';

export interface PublishDependencies {
  readonly metadata: Metadata;
  readonly clock: Clock;
  readonly random: Random;
  readonly tools: readonly Tool[];
}

export interface PublishOffer {
  /** The publishing namespace. */
  readonly path: Namespace;
  /** The catalog from code or YAML. */
  readonly value: unknown;
  /** Source name for messages: `cachelane.catalog.yaml`. */
  readonly source: string;
  /** The publisher; display name. */
  readonly by: string;
  /** Allow changes that break code for the previous version. */
  readonly breaking: boolean;
  /** Report only; change nothing. */
  readonly dryRun: boolean;
}

export interface PublishedCatalog {
  /** Its present name. */
  readonly namespace: Namespace;
  readonly version: number;
  readonly digest: Digest;
  /** False: the latest version is the same. */
  readonly isNew: boolean;
  /** Changes since the previous version, or all definitions. */
  readonly changes: readonly DefinitionChange[];
}

const nothing: CatalogContent = { docs: '', definitions: [] };

/**
 * Publishes a new version of a catalog, unless the latest is the same. The namespace stays from then on. Errors: E_CATALOG for an invalid
 * catalog, and for breaking changes without `breaking`; E_LIMIT; E_STORE_BUSY if others keep publishing.
 */
export async function publishCatalog(
  deps: PublishDependencies,
  { path, value, source, by, breaking, dryRun }: PublishOffer,
  signal: AbortSignal,
): Promise<PublishedCatalog> {
  const content = readOffer(deps.tools, { value, source });
  const digest = catalogDigest(content);
  const { record, namespace } = await createNamespace(deps, { path, dryRun }, signal);
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const latest = record === null ? undefined : await deps.metadata.catalogVersion(record.id, null, signal);
    const known = { namespace, digest };
    if (latest?.digest === digest) return { ...known, version: latest.version, isNew: false, changes: [] };
    const changes = changesSince(latest, content);
    if (!breaking) requireUnbroken(changes, { namespace, version: latest?.version ?? 0 });
    if (record === null || dryRun) {
      const version = record === null ? 1 : await deps.metadata.nextCatalogVersion(record.id, signal);
      return { ...known, version, isNew: true, changes };
    }
    const result = await deps.metadata.publishCatalog(
      {
        namespaceId: record.id,
        text: catalogText(content),
        digest,
        expectedVersion: latest?.version ?? 0,
        publishedAtMs: deps.clock.nowMs(),
        by,
      },
      signal,
    );
    if (result.kind === 'published') return { ...known, version: result.record.version, isNew: true, changes };
    if (result.kind === 'same') return { ...known, version: result.record.version, isNew: false, changes: [] };
    await backOff(deps, attempt, signal);
  }
  throw new CachelaneError('E_STORE_BUSY', `other processes keep publishing the catalog of ${namespace}`, {
    hint: 'publish again when they are done',
    retryable: true,
  });
}

/** Checks a catalog. Errors: E_CATALOG, E_LIMIT. */
export function readOffer(
  tools: readonly Tool[],
  { value, source }: Pick<PublishOffer, 'value' | 'source'>,
): CatalogContent {
  return readCatalog(value, { source, tools: new Set(tools.map(({ name }) => name)) });
}

function changesSince(latest: CatalogRecord | undefined, content: CatalogContent): readonly DefinitionChange[] {
  const before = latest === undefined ? nothing : parseCatalogText(latest.text, `version ${latest.version}`);
  return compareCatalogs(before, content);
}

interface Before {
  readonly namespace: Namespace;
  readonly version: number;
}

/** Deprecated definitions may be removed: their users were warned. */
function requireUnbroken(changes: readonly DefinitionChange[], { namespace, version }: Before): void {
  const broken = changes.filter(({ breaks, wasAnnounced }) => breaks && !wasAnnounced);
  if (broken.length === 0) return;
  const told = broken.map(({ name, kind, what }) =>
    kind === 'removed' ? `${name} was removed` : `${name}: ${what[0]}`,
  );
  throw new CachelaneError(
    'E_CATALOG',
    `this breaks code for version ${version} of the catalog of ${namespace}: ${told.join('; ')}`,
    { hint: 'publish it with `deprecated:` first to warn its users, or give --breaking (`breaking: true`)' },
  );
}
