import { metadataConformance } from '../conformance/metadata-conformance.ts';
import { memoryMetadata } from './memory-metadata.ts';
import { emptyState } from './memory-state.ts';

metadataConformance('memory', () => {
  const state = emptyState();
  return Promise.resolve({
    open: () => Promise.resolve(memoryMetadata(state)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
