/** All bounds of the system, with the reasons for their values. */
export const limits = {
  /** Long enough for the deepest real monorepo path, short enough for an index key. */
  namespaceSegmentBytes: 128,
  namespaceSegments: 24,
  namespaceBytes: 1024,
  namespaceParents: 16,
  volumeNameBytes: 128,
  compatFields: 16,
  compatValueBytes: 256,
  laneRefBytes: 512,
  /** Own, base, default and parent lanes of one read chain. */
  readChainLanes: 24,
  volumesPerRun: 32,
  /** Definitions of one catalog: several times what an organisation offers. A generated client contains all. */
  catalogDefinitions: 2000,
  /** Locked definitions of a project, including removed ones. An engine creates types for them in each session. */
  lockedDefinitions: 4000,
  catalogNameBytes: 64,
  /** How long uses of a definition are recorded: 90 days, so that quarterly jobs are seen. */
  catalogUsesMs: 7_776_000_000,
  /** Characters of a catalog text: one page. */
  catalogTextLength: 4000,
  /** Characters of a lock's text about a removed definition: a catalog text and a version. */
  catalogWhyLength: 4200,
  /** Subdirectories searched for lockfiles: a few milliseconds. */
  partsLookedInto: 200,
  /** Depth of that search: `apps/web/server`. */
  partsDepth: 3,
  /** POSIX NAME_MAX and PATH_MAX. */
  fileNameBytes: 255,
  pathBytes: 4096,
  symlinkTargetBytes: 4095,
  /** Look-ups of missing names take 4.5 us at 1 layer, 14 at 16, 45 at 80. */
  viewLayers: 16,
  /**
   * Layers of a head beyond which it is squashed whole, whatever the size of its base. Clean-ups and the layers
   * between two of them stay separate.
   */
  headLayers: 32,
  /** Neighbouring layers that one squash replaces in a view. */
  squashFanOut: 4,
  /** Nested squashes: a lane reaches a few dozen. */
  squashDepth: 500,
  /** A merge driver reads whole files into memory. Larger files merge as opaque content. */
  mergedFileBytes: 67_108_864,
  /** Entries of an incoming layer: several times the largest known cache. */
  incomingEntries: 999_999,
  /** Index size of an incoming layer: room for as many entries with long names. */
  incomingIndexBytes: 536_870_912,
  /** Layers of one imported file. */
  importedLayers: 10_000,
  /** Driver data of one incoming layer, which is held in memory. */
  incomingDeltaBytes: 134_217_728,
  /** Seconds that all supported file systems can store: ext4 has 34 bits. */
  timeSecondsMin: -2_147_483_648,
  timeSecondsMax: 15_032_385_535,
  /** An incoming layer that exceeds both this ratio when decompressed and the bytes below is an attack on the disk. */
  incomingExpansion: 1000,
  incomingUnchecked: 1_073_741_824,
  /** Size of a registry image, packed and unpacked: more than any known cache. */
  providedImageBytes: 68_719_476_736,
  /**
   * Total length of names and link targets in its layers, because links and directories are held in memory until the
   * end.
   */
  providedImageNameBytes: 268_435_456,
  /** Attempts to move a head before a save fails. */
  commitAttempts: 40,
  historyGenerations: 20,
  historyMs: 1_209_600_000,
  /** How long layers replaced by a squash stay, so that a run can still be removed from it: 14 days. */
  revocationMs: 1_209_600_000,
  /** How long reads of runs are recorded: 90 days, because poisoned caches are noticed late. */
  readsMs: 7_776_000_000,
  /** Younger unreferenced files may belong to a command that has not recorded them yet. */
  sweepGraceMs: 600_000,
  /** Precision of a head's last use: a session that finds an older record writes a new one. */
  useNotedMs: 3_600_000,
  /** How long evictions of heads are recorded. */
  evictionsMs: 2_592_000_000,
  /** How long uses and evictions of paths are recorded: 30 days. */
  pathNotesMs: 2_592_000_000,
  /** A note further ahead than a run can last came from a wrong clock: one day. */
  noteAheadMs: 86_400_000,
  /** Notes of one head, 10 bytes each. */
  notedPaths: 500_000,
  /**
   * A path that no run used for this long before the last look counts as unused: a week, so that weekly builds keep
   * theirs.
   */
  usedWithinMs: 604_800_000,
  /** Above this part of its budget, uses of a volume are observed. */
  lookAtPart: 0.8,
  /** A look needs free space of this many times the volume's size, because it takes up once the size. */
  lookRoom: 2,
  /** How often to look if nothing was evicted since. */
  lookEveryMs: 86_400_000,
  /** Up to this many times the budget, nothing is evicted before a look. */
  unseenGrowth: 1.5,
  /** Runs whose additions are never evicted: the last one, and one that may have run beside it. */
  recentRuns: 2,
  /** Smaller files of an index are not evicted by themselves: less than a block is not worth it. */
  goingFileBytes: 4096,
  /** The most bytes that a T0 lane may take, whatever its share. */
  t0LaneBytes: 1_073_741_824,
  /**
   * The default free space is at most this part of the file system; otherwise a small one would always count as full.
   */
  freePart: 0.05,
  /** Round down to a multiple of this, for short numbers. */
  freeStep: 65_536,
  /** How often a home collects garbage automatically. */
  collectEveryMs: 3_600_000,
  /** How often a collection compares the whole disk with the metadata, to find layers left by a crash. */
  lookAtAllMs: 86_400_000,
  /** Time between TERM and KILL for processes that outlive the command. */
  leftoverGraceMs: 5000,
  /** Default wait for a run that holds a LOCKED volume. */
  lockWaitMs: 600_000,
  /** How often to check the lock. */
  lockPollMs: 200,
  /** How long a run that cannot mount waits for another run at the same path that does not know yet whether it can. */
  startWaitMs: 5000,
  /** Time between partial saves of a shared directory while other runs use it. */
  sharedSaveMs: 300_000,
  /** A shared file that is closed and unchanged for this long is finished. */
  finishedAfterMs: 2000,
  /** How long a process waits for another one's metadata transaction. */
  storeBusyMs: 10_000,
  conflictsReported: 1000,
  /** S3 allows 1024 bytes for a key with its prefix. */
  remoteKeyBytes: 512,
  remoteKeySegmentBytes: 128,
  /** A head is read and written whole on each move; room for about 7,000 layers. */
  remoteHeadBytes: 4_194_304,
  /** The maximum of S3. */
  remoteListPage: 1000,
  /** Part size of uploads, sent from memory. With 10,000 parts of S3, an object has at most 80 GiB. */
  remotePartBytes: 8_388_608,
  /** Parts in transit to one bucket for all uploads together; each upload fills one more. */
  remoteParallelParts: 6,
  remoteParallelCalls: 8,
  /** With doubling waits: about half a minute in total. */
  remoteAttempts: 8,
  remoteFirstWaitMs: 250,
  remoteLongestWaitMs: 10_000,
  /** After this much silence, the connection to a remote counts as dead. */
  remoteSilenceMs: 30_000,
  /** How long to wait for the clean-up of an abandoned upload; a sweep removes the rest. */
  remoteAbandonMs: 2000,
  /** Older unfinished uploads are abandoned. */
  remoteSweepGraceMs: 86_400_000,
  /** Marked objects are deleted after this time: longer than any pull whose head named them. */
  remoteMarkGraceMs: 86_400_000,
  /** Younger objects may belong to a push that has not named them yet. */
  remoteObjectGraceMs: 172_800_000,
  /** At about 100 bytes each, one head has room for them. */
  remoteMarkedObjects: 20_000,
  /** Times from a remote that differ by less may be equal: buckets store seconds. */
  remoteClockStepMs: 5000,
  /** The longest deletion phase of a remote collection. */
  remoteDeletingMs: 60_000,
  /** A collection that began to delete this long ago is dead. */
  remoteDeadMs: 900_000,
  /** Precision of a head's last use in a remote. */
  remoteUseNotedMs: 86_400_000,
  /** How often a home collects in a remote automatically. */
  remoteCollectEveryMs: 86_400_000,
  /** How long a run waits at the start for a remote's answer. */
  remoteAnswerMs: 10_000,
  /** The same at the end if the remote was unreachable at the start. */
  remoteAgainMs: 2000,
  /** Default wait of a run for layers, at the start and again at the end. */
  remoteWaitMs: 300_000,
  /** Layers pulled or pushed in parallel. */
  parallelLayers: 4,
  /** The cost of one more layer in bytes, to compare ways of pulling: two requests. */
  layerRequestBytes: 65_536,
  /** Total size of the remote indexes that a push is compared with: about 600,000 entries. */
  comparedIndexBytes: 67_108_864,
  /** Smaller downloads restart from the beginning. */
  resumableBytes: 8_388_608,
  /** Layers replaced by squashes: about 1.5 MB of a head. */
  replacedLayers: 4000,
  /** Runs named only by squash entries: about 400 KB of a head. Details of further runs are dropped. */
  manifestRuns: 2000,
  revokedRuns: 1000,
  /** A machine that was offline during more removals uploads the first ones again, which costs only space. */
  removedLayers: 2000,
  /** Old states of a head that a directory remote keeps for concurrent readers. */
  remoteHeadsKept: 8,
  /** Smaller uploads are held in memory: most layers of a run are small. */
  spooledInMemoryBytes: 1_048_576,
  /** How long partial downloads are kept for a retry; after a day the head has moved on. */
  partialDownloadMs: 86_400_000,
} as const;
