export { memoryLeases } from './memory-leases.ts';
export { compiledSources } from './compiled-sources.ts';
export { requireCommands } from './require-commands.ts';
export { useDisk } from './use-disk.ts';
export { fetchProject, fetchTool, type FetchedProject, type FetchedTool } from './fetched-tools.ts';
export * from './arbitraries/layers.ts';
export * from './layers/arbitrary-entries.ts';
export * from './layers/arbitrary-tree.ts';
export { type MetadataFactory, type MetadataFixture } from './metadata/metadata-fixture.ts';
export * from './metadata/crashing-metadata.ts';
export { memoryMetadata } from './metadata/memory/memory-metadata.ts';
export { emptyState, type MemoryState } from './metadata/memory/memory-state.ts';
export {
  aLayer,
  aRemote,
  countingIds,
  layerRecord,
  noAbort,
  openOne,
  aQuestion,
  openRequest,
  pushLayer,
  pushRequest,
  remoteRun,
  syncedRequest,
  type TestIds,
} from './metadata/metadata-builders.ts';
export { metadataConformance } from './metadata/conformance/metadata-conformance.ts';
export { mergeDriverConformance } from './drivers/merge-driver-conformance.ts';
export { mergeDriverLaws, type MergeDriverLaw } from './drivers/merge-driver-laws.ts';
export { namingDriverConformance } from './drivers/naming-driver-conformance.ts';
export { type NamedContent, type NamingDriverSubject } from './drivers/naming-driver-laws.ts';
export { arbitraryVersionOf, composedVersion, hasOpinion, storedVersion, versionOf } from './drivers/versions.ts';
export {
  startLocalRegistry,
  type LocalRegistry,
  type LocalRegistryOptions,
  type RegistryPackage,
  type RegistryRequest,
} from './local-registry.ts';
export * from './layers/change-sets.ts';
export * from './layers/dying-process.ts';
export * from './layers/failing-port.ts';
export * from './layers/layer-store-conformance.ts';
export * from './layers/layer-store-fixture.ts';
export * from './layers/memory-layer-store.ts';
export { attachRequest, collect } from './mounter/conformance-helpers.ts';
export * from './mounter/memory-mounter.ts';
export * from './mounter/mounter-conformance.ts';
export * from './mounter/mounter-fixture.ts';
export * from './mounter/memory-volume.ts';
export * from './mounter/volume-steps.ts';
export {
  type LeftProcess,
  type MemoryCall,
  type MemoryCommand,
  type MemoryEnd,
  memoryRuntime,
  type MemoryRuntime,
  type MemoryRuntimeOptions,
} from './runtime/memory-runtime.ts';
export { runtimeConformance } from './runtime/runtime-conformance.ts';
export { type FixtureCommands, type RuntimeFactory, type RuntimeFixture } from './runtime/runtime-fixture.ts';
export * from './remotes/faulty-remote.ts';
export { remoteHeadsConformance } from './remotes/heads-conformance.ts';
export * from './remotes/memory-remote.ts';
export { remoteObjectsConformance } from './remotes/objects-conformance.ts';
export { contentOf, countingAttempts, hastyClock, noise, seededRandom, sourceOf } from './remotes/remote-builders.ts';
export { damaged, type HeadDamage, type RemoteFactory, type RemoteFixture } from './remotes/remote-fixture.ts';
export { addWords, wordsOf, type WordAdding } from './remotes/word-head.ts';
export { startFaultProxy, type FaultProxy, type HttpFault, type ProxiedRequest } from './remotes/fault-proxy.ts';
export { startRadosgw, type Radosgw } from './remotes/radosgw.ts';
export {
  startDockerRegistry,
  type DockerRegistry,
  type ImageToPush,
  type PushedImage,
} from './remotes/docker-registry.ts';
export { signedRequest, type S3User, type SignedRequest } from './remotes/signed-request.ts';
export { tarArchive, type TarMember } from './tar-archive.ts';
export * from './transfers/memory-transfer-files.ts';
export { transferFilesConformance } from './transfers/transfer-files-conformance.ts';
export { type TransferFilesFactory, type TransferFilesFixture } from './transfers/transfer-files-fixture.ts';
export { memorySeedFiles, type MemorySeedFilesOptions } from './seeds/memory-seed-files.ts';
export { seedFilesConformance, type SeedFilesFixture } from './seeds/seed-files-conformance.ts';
export { providerConformance } from './providers/provider-conformance.ts';
export { type ProviderExample, type ProviderFixture } from './providers/provider-laws.ts';
export { startDockerDaemon, type DockerDaemon } from './docker-daemon.ts';
