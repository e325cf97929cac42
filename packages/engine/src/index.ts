export type { EngineDependencies } from './model/engine-dependencies.ts';
export * from './model/run-request.ts';
export * from './model/volume-request.ts';
export { runCommand, type RunResult } from './runs/run-command.ts';
export { catalogConsumers, definitionUsage, volumesOf, type CatalogConsumer } from './catalogs/consumers.ts';
export { judgeName, type NameVerdict } from './catalogs/catalog-names.ts';
export {
  type DefinitionQuestion,
  definedVolume,
  definitionVolume,
  requireDefinition,
} from './catalogs/definition-volume.ts';
export { type DefinedVolume, type UsedDefinition, deprecations } from './model/defined-volume.ts';
export { requireCatalog, type CatalogQuestion, type OfferedCatalog } from './catalogs/find-catalog.ts';
export { listCatalogs } from './catalogs/list-catalogs.ts';
export { publishCatalog, readOffer, type PublishedCatalog, type PublishOffer } from './catalogs/publish-catalog.ts';
export { removeCatalog, type RemovedCatalog } from './catalogs/remove-catalog.ts';
export { collectGarbage, findGarbage, type GarbageReport } from './garbage/collect-garbage.ts';
export { findRemovable, type GarbageOptions } from './garbage/find-removable.ts';
export { collectRemote, type RemoteGarbage } from './sync/collection/collect-remote.ts';
export type { PlannedEviction } from './evictions/plan-evictions.ts';
export type { PlannedGrowth } from './garbage/find-growth.ts';
export { planGrowth, overBudget, type GrowthPlan } from './growth/plan-growth.ts';
export { dropFaulty, verifyStore, type FaultyLayer, type Verification } from './heads/verify-store.ts';
export { traceRun, type Trace, type TracedHead } from './provenance/trace-run.ts';
export { blamePath, type Blamed, type BlamedHead } from './provenance/blame-path.ts';
export { planEverywhere, revokeEverywhere, type RevocationPlans } from './sync/revoke/revoke-everywhere.ts';
export { removeRuns, type RemoveRunsRequest } from './removal/remove-runs.ts';
export { chooseMounter, suits, type MounterChoice } from './leases/mounters.ts';
export { manifestName, openExport, type ExportManifest, type ExportPart } from './transfer/export-volume.ts';
export { importLayers, readExportManifest, type Imported, type ImportRequest } from './transfer/import-volume.ts';
export type { OnProgress, ProgressUpdate } from './model/progress-update.ts';
export { pruneCommand, pruneVolume, type PruneRequest, type Pruned } from './runs/prune-volume.ts';
export { requireNoOthers } from './base/require-no-others.ts';
export { requireWritable } from './base/require-writable.ts';
export { explainTiers, type ExplainedTier } from './tiers/explain-tiers.ts';
export { chainFor, planVolume } from './volumes/plan.ts';
export type { PlannedVolume } from './model/planned-volume.ts';
export { volumeIn } from './volumes/find-volume.ts';
export { findKept, removeKept } from './volumes/kept-directories.ts';
export {
  planRollBack,
  rollBack,
  type RollBackPlan,
  type RollBackRequest,
  type RolledBack,
} from './removal/roll-back.ts';
export { rolledBackBy } from './removal/rolled-back-by.ts';
export { changeOf, compareSnapshots, type PathDifference, type SnapshotState } from './views/compare.ts';
export { squashesOf } from './heads/known-squashes.ts';
export { isPending, waitingOf, type Waiting } from './sync/heads/pending.ts';
export { findPending, pushPending, type PendingHead, type PushOutcome } from './sync/push/push-pending.ts';
export { repairRemote, verifyRemote, type RemoteVerification } from './sync/collection/verify-remote.ts';
export { whyLocal } from './sync/heads/synced-volumes.ts';
export { readRemoteId } from './sync/heads/remote-heads.ts';
export { emptyHead } from './sync/heads/change-head.ts';
export { findHeads } from './sync/heads/listed-heads.ts';
export {
  byCompat,
  compareText,
  describeHead,
  holdersOf,
  listHeads,
  listHeadsOf,
  type ListedHead,
} from './heads/list-heads.ts';
export { listLeases, type ListedLease } from './leases/list-leases.ts';
export { snapshotEntries } from './views/snapshot-entries.ts';
export { isAlive } from './leases/recover.ts';
export { recallFork, type GoneVolume } from './runs/recall-fork.ts';
export { savedBy, type SavedVolume } from './save/saved-by.ts';
export { whyNothingSaved } from './sessions/volume-session.ts';
export { openFork, type Fork, type ForkRequest, type ForkedVolume } from './runs/fork.ts';
export { createNamespace, type Created, type CreateRequest } from './namespaces/create-namespace.ts';
export { removeNamespace, type RemovedNamespace } from './namespaces/remove-namespace.ts';
export { requireNamespace } from './namespaces/require-namespace.ts';
export { renameNamespace, type Renamed, type RenameRequest } from './namespaces/rename-namespace.ts';
export { removeVolumes } from './volumes/remove-volume.ts';
export { toolOf } from './provenance/revoke-runs.ts';
export { Seeds } from './model/seeds.ts';
export { noneProvider, projectProvider } from './providers/plain-providers.ts';
export { foreseeProvided } from './providers/foresee-provided.ts';
export { provideVolume } from './providers/provide-volume.ts';
export { providerReport, shownName } from './providers/provider-report.ts';
export { requireStored } from './sessions/unstored-volume.ts';
export { isUnstored } from './model/planned-volume.ts';
export {
  addCatalog,
  refreshCatalogs,
  type AddedCatalog,
  type CatalogSource,
  type CatalogStep,
} from './catalogs/add-catalog.ts';
export { catalogOrLock, type LockedQuestion } from './catalogs/catalog-or-lock.ts';
export { boundsOf } from './sharing/bounds-of.ts';
export { addFeed, listFeeds, removeFeed, type AddedFeed, type ListedFeed } from './sharing/feeds.ts';
export {
  grantsBeside,
  grantVolumes,
  listGrants,
  withdrawGrant,
  type Granted,
  type GrantsOfNamespace,
  type ListedGrant,
} from './sharing/grants.ts';
export { missingGrant } from './sharing/missing-grant.ts';
export { parentsOfRun } from './sharing/parents-of-run.ts';
export { requireReach, withoutGrant } from './sharing/require-reach.ts';
export type { ReachQuestion } from './model/reach-question.ts';
export { grantedTrust, requireSharing } from './sharing/require-sharing.ts';
