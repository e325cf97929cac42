/** What every call may be given. */
export interface CallOptions {
  /** Ends the call; it throws `E_ABORTED` then. What was carried out of it stays. */
  readonly signal?: AbortSignal | undefined;
}

export interface LaneOptions extends CallOptions {
  /** The lane that the program writes where it is left out. */
  readonly lane?: string | undefined;
}

export interface EntriesOptions extends LaneOptions {
  /** Only this path and what is below it. */
  readonly under?: string | undefined;
  /** How many are asked for at once; 1 to 10000, 1000 where it is left out. */
  readonly pageSize?: number | undefined;
}

export interface SnapshotsOptions extends LaneOptions {
  /** How many at most, 1 to 1000; 20 where it is left out. */
  readonly first?: number | undefined;
}

export interface ChangeOptions extends CallOptions {
  /** Says what would happen, and changes nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface KeyedOptions extends ChangeOptions {
  /** The caller's own name for this change, 1 to 200 characters: repeated under the same name and with the same request, after an answer was lost, it is the same change. A new one where it is left out, which `LostAnswerError` tells. */
  readonly key?: string | undefined;
}

export interface RollbackOptions extends KeyedOptions {
  /** The one before the present one where it is left out. */
  readonly generation?: number | undefined;
}

export interface RemoveOptions extends ChangeOptions {
  /** The lane that the program writes where it is left out. */
  readonly lane?: string | undefined;
  /** On every lane. */
  readonly allLanes?: boolean | undefined;
}
