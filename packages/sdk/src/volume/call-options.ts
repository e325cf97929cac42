/** Options of every call. */
export interface CallOptions {
  /** Aborts the call, which then throws `E_ABORTED`. What was already done stays. */
  readonly signal?: AbortSignal | undefined;
}

export interface LaneOptions extends CallOptions {
  /** The default is the lane that the program writes. */
  readonly lane?: string | undefined;
}

export interface EntriesOptions extends LaneOptions {
  /** Only this path and the paths below it. */
  readonly under?: string | undefined;
  /** Page size, 1 to 10000. The default is 1000. */
  readonly pageSize?: number | undefined;
}

export interface SnapshotsOptions extends LaneOptions {
  /** Maximum number, 1 to 1000. The default is 20. */
  readonly first?: number | undefined;
}

export interface ChangeOptions extends CallOptions {
  /** Only reports what would happen. */
  readonly dryRun?: boolean | undefined;
}

export interface KeyedOptions extends ChangeOptions {
  /**
   * A key for this change, 1 to 200 characters. Repeating the same request with it makes the change only once. The
   * default is a new key, which `LostAnswerError` contains.
   */
  readonly key?: string | undefined;
}

export interface RollbackOptions extends KeyedOptions {
  /** The default is the generation before the current one. */
  readonly generation?: number | undefined;
}

export interface RemoveOptions extends ChangeOptions {
  /** The default is the lane that the program writes. */
  readonly lane?: string | undefined;
  /** Removes all lanes. */
  readonly allLanes?: boolean | undefined;
}
