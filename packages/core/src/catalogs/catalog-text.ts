import { CachelaneError } from '../base/errors.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import type { CatalogContent, VolumeDefinition } from './definition.ts';
import { readCatalog } from './read-catalog.ts';

/** One text for one content, whatever order it was written in: what is compared, stored and locked. As {@link readCatalog} reads it. */
export function catalogText({ docs, definitions }: CatalogContent): string {
  const volumes = definitions.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((each) => [each.name, partsOf(each)]);
  return JSON.stringify({ docs: docs === '' ? null : docs, volumes: Object.fromEntries(volumes) });
}

/** What {@link catalogText} wrote, this version's or a later one's. Throws E_CATALOG; `source` says where it is from. */
export function parseCatalogText(text: string, source: string): CatalogContent {
  try {
    return readCatalog(JSON.parse(text), { source, tools: null });
  } catch (error) {
    if (error instanceof CachelaneError) throw error;
    throw new CachelaneError('E_CATALOG', `${source} is no catalog`, { cause: error });
  }
}

export function catalogDigest(content: CatalogContent): Digest {
  return digestOf(catalogText(content));
}

function partsOf({ tool, key, tier, sharing, compat, docs, deprecated }: VolumeDefinition): object {
  return { tool, key, tier, sharing, compat, docs: docs === '' ? null : docs, deprecated };
}
