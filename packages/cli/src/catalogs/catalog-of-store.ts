import { CachelaneError, didYouMean, isCachelaneError, type Metadata, type Namespace } from '@cachelane/core';
import { listCatalogs, requireCatalog, type CatalogQuestion, type OfferedCatalog } from '@cachelane/engine';

/** Like {@link requireCatalog}, with a suggestion if there is no such catalog. */
export async function catalogOfStore(
  metadata: Metadata,
  question: CatalogQuestion,
  signal: AbortSignal,
): Promise<OfferedCatalog> {
  try {
    return await requireCatalog(metadata, question, signal);
  } catch (error) {
    if (!isCachelaneError(error, 'E_NOT_FOUND')) throw error;
    const names = (await listCatalogs(metadata, { under: null }, signal)).map(({ namespace }) => namespace);
    const guess = meantOf(question.namespace, names);
    if (guess === '') throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new CachelaneError('E_NOT_FOUND', `${error.message}${guess}`, { ...hint, cause: error });
  }
}

/** A single word may be the last part of a namespace. */
function meantOf(namespace: Namespace, names: readonly Namespace[]): string {
  const [ending, ...more] = names.filter((name) => name.endsWith(`/${namespace}`));
  return ending !== undefined && more.length === 0 ? `; did you mean ${ending}?` : didYouMean(namespace, names);
}
