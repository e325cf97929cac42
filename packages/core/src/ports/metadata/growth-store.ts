import type { VolumeId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';
import type { PathMark, PathMarks } from '../../layers/path-marks.ts';

/** What is noted of paths: that a run used them, or that they went because of the volume's budget. */
export const pathNotes = ['used', 'evicted'] as const;
export type PathNote = (typeof pathNotes)[number];

/** What is known of the paths of one head. Lost, it says nothing: what goes then goes by age. */
export interface NotedPaths {
  readonly marks: PathMarks;
  /** `used`: when the last run began whose reads were looked at, whatever could be seen; `evicted`: when something last went. 0: never. */
  readonly atMs: number;
}

export interface NotePathsRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly note: PathNote;
  /** With the time that is noted, in milliseconds since 1970; kept to the minute. */
  readonly paths: Iterable<readonly [PathMark, number]>;
  readonly atMs: number;
  /** Whether this was a look, or an eviction, of which `NotedPaths.atMs` is to tell that it was then; false: what came to light by the way. */
  readonly moves: boolean;
}

/**
 * What growth inside a volume goes by, on this machine. Guarantees of every driver: notes of several processes at once are united; they go with their lane, and with their
 * volume; of a head that is not there, nothing is noted.
 */
export interface GrowthStore {
  notedPaths(volumeId: VolumeId, lane: LaneName, note: PathNote, signal: AbortSignal): Promise<NotedPaths>;
  /** A note lives for `limits.pathNotesMs`, and the latest `limits.notedPaths` of a head; one of more than `limits.noteAheadMs` later than `atMs` is dropped. */
  notePaths(request: NotePathsRequest, signal: AbortSignal): Promise<void>;
}
