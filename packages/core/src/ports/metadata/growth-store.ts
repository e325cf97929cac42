import type { VolumeId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';
import type { PathMark, PathMarks } from '../../layers/path-marks.ts';

/** Notes about a path: a run used it, or the volume's budget evicted it. */
export const pathNotes = ['used', 'evicted'] as const;
export type PathNote = (typeof pathNotes)[number];

/** The notes about the paths of one head. Without notes, eviction goes by age. */
export interface NotedPaths {
  readonly marks: PathMarks;
  /** `used`: when the last run with observed reads began; `evicted`: the time of the last eviction. 0: never. */
  readonly atMs: number;
}

export interface NotePathsRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly note: PathNote;
  /** Paths with the noted time in milliseconds since 1970, kept to the minute. */
  readonly paths: Iterable<readonly [PathMark, number]>;
  readonly atMs: number;
  /** Whether to update `NotedPaths.atMs`: true for an observed run or an eviction. */
  readonly moves: boolean;
}

/**
 * Notes for growth limits of volumes, on this machine. Guarantees of every driver: notes of concurrent processes are
 * merged, and are deleted with their lane and volume. Nothing is noted for a head that does not exist.
 */
export interface GrowthStore {
  notedPaths(volumeId: VolumeId, lane: LaneName, note: PathNote, signal: AbortSignal): Promise<NotedPaths>;
  /**
   * Adds notes. They live for `limits.pathNotesMs`, at most `limits.notedPaths` per head. Notes more than
   * `limits.noteAheadMs` after `atMs` are dropped.
   */
  notePaths(request: NotePathsRequest, signal: AbortSignal): Promise<void>;
}
