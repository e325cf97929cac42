/** Every bound of the system in one place, each with the reason for its value. */
export const limits = {
  /** Namespaces: long enough for the deepest real monorepo path, short enough for an index key. */
  namespaceSegmentBytes: 128,
  namespaceSegments: 24,
  namespaceBytes: 1024,
  namespaceParents: 16,
  volumeNameBytes: 128,
  compatFields: 16,
  compatValueBytes: 256,
  laneRefBytes: 512,
  /** Lanes of one read chain: own, base, default and the parents. */
  readChainLanes: 24,
  volumesPerRun: 32,
  /** Directories below the one that a command runs in that are looked into for lockfiles: a few milliseconds. */
  partsLookedInto: 200,
  /** How deep they lie: `apps/web/server`. */
  partsDepth: 3,
  /** POSIX NAME_MAX and PATH_MAX. */
  fileNameBytes: 255,
  pathBytes: 4096,
  symlinkTargetBytes: 4095,
  /** Look-ups of missing names cost 4.5 us at 1 layer, 14 at 16, 45 at 80. */
  viewLayers: 16,
  /** Neighbouring layers that one squashed layer replaces in a view. */
  squashFanOut: 4,
  /** A merge driver reads whole files into memory; a larger one is treated as content without an opinion. */
  mergedFileBytes: 67_108_864,
  /** Entries of a layer that comes from elsewhere: several times the largest cache that was seen. */
  incomingEntries: 999_999,
  /** Of its index: room for as many entries with long names. */
  incomingIndexBytes: 536_870_912,
  /** Layers of one file that is imported. */
  importedLayers: 10_000,
  /** Parts of files that drivers work on, of one such layer: they are held in memory. */
  incomingDeltaBytes: 134_217_728,
  /** What every file system of ours can hold, in seconds: ext4 has 34 bits of them. */
  timeSecondsMin: -2_147_483_648,
  timeSecondsMax: 15_032_385_535,
  /** A layer that grows by more than this when it is decompressed, and beyond the number of bytes below, is made to fill the disk. */
  incomingExpansion: 1000,
  incomingUnchecked: 1_073_741_824,
  /** Attempts to move a head before the save is given up and reported. */
  commitAttempts: 40,
  historyGenerations: 20,
  historyMs: 1_209_600_000,
  /** Unreferenced files younger than this may belong to a command that has not recorded them yet. */
  sweepGraceMs: 600_000,
  /** How long processes that outlive the command get between TERM and KILL. */
  leftoverGraceMs: 5000,
  /** How long a run waits for one that has a LOCKED volume, by default. */
  lockWaitMs: 600_000,
  /** How often it looks whether that one is gone. */
  lockPollMs: 200,
  /** How long a run that cannot mount waits for one at the same place that has not found out yet whether it can. */
  startWaitMs: 5000,
  /** What runs that share a directory have finished is saved this long after the last save, whoever goes on working there. */
  sharedSaveMs: 300_000,
  /** A file of a shared directory that nobody changed for so long, and nobody has open, is finished. */
  finishedAfterMs: 2000,
  /** How long one process waits for another one's metadata transaction. */
  storeBusyMs: 10_000,
  conflictsReported: 1000,
  /** S3 allows 1024 bytes for a key, prefix and all. */
  remoteKeyBytes: 512,
  remoteKeySegmentBytes: 128,
  /** A head is read and written whole with each move. */
  remoteHeadBytes: 1_048_576,
  /** S3 lists no more at once. */
  remoteListPage: 1000,
  /** What is sent at once, from memory; with the 10,000 parts of S3 an object has at most 80 GiB. */
  remotePartBytes: 8_388_608,
  /** Parts on their way to one bucket, of all uploads together; each upload fills one more meanwhile. */
  remoteParallelParts: 6,
  remoteParallelCalls: 8,
  /** With waits that double from the first to the last: about half a minute in all. */
  remoteAttempts: 8,
  remoteFirstWaitMs: 250,
  remoteLongestWaitMs: 10_000,
  /** A remote that says nothing for so long says nothing any more. */
  remoteSilenceMs: 30_000,
  /** What an unfinished upload of so long ago has left is nobody's. */
  remoteSweepGraceMs: 86_400_000,
  /** Old states of a head that a directory keeps, for readers that have just looked which one is the newest. */
  remoteHeadsKept: 8,
} as const;
