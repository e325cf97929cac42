export * from './engine.ts';
export { runCommand, type RunResult } from './run-command.ts';
export { collectGarbage, findGarbage, findUnreferenced, type GarbageReport } from './collect-garbage.ts';
export { removeRun, type RemoveRunRequest } from './remove-run.ts';
export { chooseMounter, suits, type MounterChoice } from './sessions/mounters.ts';
export { planVolume, type PlannedVolume } from './volumes/plan.ts';
export { findKept, removeKept } from './kept-directories.ts';
export {
  planRollBack,
  requireWritable,
  rollBack,
  type RollBackPlan,
  type RollBackRequest,
  type RolledBack,
} from './roll-back.ts';
export { compareSnapshots, type PathDifference, type SnapshotState } from './views/compare.ts';
