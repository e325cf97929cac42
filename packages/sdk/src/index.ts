export { connectTo, type ConnectToOptions } from './engine/connect-to.ts';
export { extendEngine, notOffered } from './engine/extend-engine.ts';
export { LostAnswerError } from './errors/lost-answer-error.ts';
export { CachelaneError, isCachelaneError, type CachelaneErrorOptions } from './errors/errors.ts';
export type { Attachable, AttachRequest, CacheVolume, VolumeOptions, VolumeSeed } from './volume/cache-volume.ts';
export type {
  CallOptions,
  ChangeOptions,
  EntriesOptions,
  KeyedOptions,
  LaneOptions,
  RemoveOptions,
  RollbackOptions,
  SnapshotsOptions,
} from './volume/call-options.ts';
export type { Catalog, CatalogVolumeOptions, LockedVersion } from './volume/catalog.ts';
export {
  defineCatalog,
  type CatalogDefinition,
  type OfferedVolume,
  type OfferedVolumes,
} from './volume/define-catalog.ts';
export type { AttachOptions, Engine, EngineEvents, UsageOptions, VolumesOptions } from './engine/engine.ts';
export type { CommitOptions, Fork } from './engine/fork.ts';
export type { ErrorCode } from './generated/error-codes.ts';
export type { ToolName } from './generated/tool-names.ts';
export type {
  AttachMode,
  CacheSharingMode,
  DefinitionTier,
  EntryType,
  EventType,
  GrantAccess,
  LeaseKind,
  ProvidedKind,
  TrustLevel,
  UsageGroup,
} from './generated/inputs.ts';
export type {
  Blamed,
  CatalogInfo,
  ChainLink,
  Conflict,
  Context,
  ContextInput,
  CreatedNamespace,
  EngineEvent,
  Entry,
  ExplainedLink,
  Explanation,
  ForkedVolume,
  Grant,
  Head,
  HeadUsage,
  Lease,
  OfferedDefinition,
  Pruned,
  Removed,
  RolledBack,
  Run,
  Saved,
  Snapshot,
  Usage,
  VolumeInfo,
  VolumeProvider,
  VolumeUsage,
} from './generated/results.ts';
export type { SessionOptions } from './connection/session-options.ts';
export type { GrantOptions, Grants, NamespaceOptions } from './volume/grant-options.ts';
