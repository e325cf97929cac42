import { parseNamespace } from '../names/namespace.ts';
import { catalogDigest } from './catalog-text.ts';
import type { LockedCatalog } from './catalog-lock.ts';
import type { Catalog } from './definition.ts';
import { readCatalog } from './read-catalog.ts';

export function catalogOf(version: number, definitions: object, docs: string | null = null): Catalog {
  const content = readCatalog({ docs, volumes: definitions }, { source: 'the catalog', tools: null });
  const namespace = parseNamespace('github.com/acme');
  return { ...content, namespace, version, digest: catalogDigest(content), publishedAtMs: 0 };
}

export function lockedOf(catalog: Catalog, more: Partial<LockedCatalog> = {}): LockedCatalog {
  const { namespace, version, digest, docs, definitions } = catalog;
  return {
    alias: 'my-org',
    namespace,
    version,
    digest,
    content: { docs, definitions },
    gone: [],
    changed: [],
    ...more,
  };
}

/** One of everything that a client can contain. */
export const exampleLock: readonly LockedCatalog[] = [
  lockedOf(
    catalogOf(
      4,
      {
        'pip-cache': { tool: 'pip', docs: 'Wheels of all teams.\n\nAsk #build before you remove something.' },
        gradle: { tool: 'gradle', tier: 'catalog', sharing: 'LOCKED', compat: { image: 'trixie' } },
        npm: { deprecated: 'use pnpm, see @acme/handbook' },
        maven: { key: 'm2' },
      },
      'What the build team keeps warm.',
    ),
    {
      gone: [{ name: 'old-cache', why: 'removed in version 4: use "pip-cache"' }],
      changed: [{ name: 'maven', why: 'changed to another volume in version 4: key maven -> m2' }],
    },
  ),
  lockedOf(catalogOf(1, { new: { tool: 'npm' } }), { alias: 'tools' }),
  lockedOf(catalogOf(7, {}), { alias: 'empty' }),
];
