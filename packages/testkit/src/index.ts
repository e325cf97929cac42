export { requireCommands } from './require-commands.ts';
export * from './arbitraries/layers.ts';
export * from './layers/arbitrary-entries.ts';
export { type MetadataFactory, type MetadataFixture } from './metadata/conformance-fixture.ts';
export * from './metadata/crashing-metadata.ts';
export { memoryMetadata } from './metadata/memory-metadata.ts';
export { emptyState, type MemoryState } from './metadata/memory-state.ts';
export {
  aLayer,
  countingIds,
  layerRecord,
  noAbort,
  openOne,
  openRequest,
  pushLayer,
  pushRequest,
  type TestIds,
} from './metadata/metadata-builders.ts';
export { metadataConformance } from './metadata/metadata-conformance.ts';
