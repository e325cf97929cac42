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
  /** Who offers it. */
  readonly path: Namespace;
  /** As code or YAML says it. */
  readonly value: unknown;
  /** How messages call that: `cachelane.catalog.yaml`. */
  readonly source: string;
  /** Who publishes, for people. */
  readonly by: string;
  /** Also what breaks code that was written for the version before. */
  readonly breaking: boolean;
  /** Say what would happen, and change nothing. */
  readonly dryRun: boolean;
}

export interface PublishedCatalog {
  /** Its present name. */
  readonly namespace: Namespace;
  readonly version: number;
  readonly digest: Digest;
  /** False: the latest version says the same already. */
  readonly isNew: boolean;
  /** Since the version before; all definitions where there was none. */
  readonly changes: readonly DefinitionChange[];
}

const nothing: CatalogContent = { docs: '', definitions: [] };

/**
 * Makes a new version of what a namespace offers, unless the latest one says the same; of several at once each is judged by what is there when its turn comes. The namespace stays from then on. Errors: E_CATALOG for what is no
 * catalog, and for what breaks code without `breaking`; E_LIMIT; E_STORE_BUSY where others publish without end.
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
  throw new CachelaneError('E_STORE_BUSY', `others publish the catalog of ${namespace} all the while`, {
    hint: 'publish it again when they are done',
    retryable: true,
  });
}

/** What is to be published, checked. Errors: E_CATALOG, E_LIMIT. */
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

/** What was deprecated before may go: whoever uses it was told. */
function requireUnbroken(changes: readonly DefinitionChange[], { namespace, version }: Before): void {
  const broken = changes.filter(({ breaks, wasAnnounced }) => breaks && !wasAnnounced);
  if (broken.length === 0) return;
  const told = broken.map(({ name, kind, what }) => (kind === 'removed' ? `${name} is gone` : `${name}: ${what[0]}`));
  throw new CachelaneError(
    'E_CATALOG',
    `it breaks what was written for version ${version} of the catalog of ${namespace}: ${told.join('; ')}`,
    { hint: 'publish it with `deprecated:` first, which tells whoever uses it; or give --breaking (`breaking: true`)' },
  );
}
