import { CachelaneError } from '../base/errors.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import type { CatalogContent, VolumeDefinition } from './definition.ts';
import { readCatalog } from './read-catalog.ts';

/** Returns the canonical text of a catalog, which is compared, stored and locked; {@link readCatalog} reads it. */
export function catalogText({ docs, definitions }: CatalogContent): string {
  const volumes = definitions.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((each) => [each.name, partsOf(each)]);
  return JSON.stringify({ docs: docs === '' ? null : docs, volumes: Object.fromEntries(volumes) });
}

/** Parses the output of {@link catalogText}, also of later versions. Throws E_CATALOG with the `source` of the text. */
export function parseCatalogText(text: string, source: string): CatalogContent {
  try {
    return readCatalog(JSON.parse(text), { source, tools: null });
  } catch (error) {
    if (error instanceof CachelaneError) throw error;
    throw new CachelaneError('E_CATALOG', `${source} is not a catalog`, { cause: error });
  }
}

export function catalogDigest(content: CatalogContent): Digest {
  return digestOf(catalogText(content));
}

function partsOf({ tool, key, tier, sharing, compat, docs, deprecated }: VolumeDefinition): object {
  return { tool, key, tier, sharing, compat, docs: docs === '' ? null : docs, deprecated };
}
