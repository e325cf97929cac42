export { connectTo, type ConnectToOptions } from './connect-to.ts';
export { extendEngine, notOffered } from './extend-engine.ts';
export { LostAnswerError } from './lost-answer-error.ts';
export { CachelaneError, isCachelaneError, type CachelaneErrorOptions } from './errors.ts';
export type {
  Attachable,
  AttachRequest,
  CacheVolume,
  CallOptions,
  ChangeOptions,
  EntriesOptions,
  KeyedOptions,
  LaneOptions,
  RemoveOptions,
  RollbackOptions,
  SnapshotsOptions,
  VolumeOptions,
  VolumeSeed,
} from './cache-volume.ts';
export type { Catalog, CatalogVolumeOptions, LockedVersion } from './catalog.ts';
export { defineCatalog, type CatalogDefinition, type OfferedVolume, type OfferedVolumes } from './define-catalog.ts';
export type { AttachOptions, Engine, EngineEvents, UsageOptions, VolumesOptions } from './engine.ts';
export type { CommitOptions, Fork } from './fork.ts';
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
export type { SessionOptions } from './session-options.ts';
export type { GrantOptions, Grants, NamespaceOptions } from './grant-options.ts';
