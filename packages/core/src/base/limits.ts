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
  /** Of one catalog: several times what an organisation offers; a client is generated of all of them. */
  catalogDefinitions: 2000,
  /** Of all that a project has locked, with what is gone of it: an engine makes types of them for each session. */
  lockedDefinitions: 4000,
  catalogNameBytes: 64,
  /** How long it is known who used a definition: 90 days, so that what runs once in a quarter is seen. */
  catalogUsesMs: 7_776_000_000,
  /** Characters of a text of a catalog: a page. */
  catalogTextLength: 4000,
  /** Characters of what a lock says of a definition that is gone: such a text, and what version it was. */
  catalogWhyLength: 4200,
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
  /** Layers of a head beyond which it is squashed whole, however large its base is: above one, a clean-up and what lies between two of them stay by themselves. */
  headLayers: 32,
  /** Neighbouring layers that one squashed layer replaces in a view. */
  squashFanOut: 4,
  /** Squashes of squashes: a lane comes to a few dozen. */
  squashDepth: 500,
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
  /** Of an image of a registry, as it comes and as it lies on the disk: more than any cache that was seen. */
  providedImageBytes: 68_719_476_736,
  /** Of all names in its layers, and of where links lead: what is known of links and directories is held in memory until the end. */
  providedImageNameBytes: 268_435_456,
  /** Attempts to move a head before the save is given up and reported. */
  commitAttempts: 40,
  historyGenerations: 20,
  historyMs: 1_209_600_000,
  /** How long layers stay that a squash replaced, so that a run can be taken out as if it had never been: 14 days. */
  revocationMs: 1_209_600_000,
  /** How long it is known what a run read: 90 days. What a poisoned cache got into is asked late. */
  readsMs: 7_776_000_000,
  /** Unreferenced files younger than this may belong to a command that has not recorded them yet. */
  sweepGraceMs: 600_000,
  /** How exactly it is known when a head was read last: each session that finds an older note writes a newer one. */
  useNotedMs: 3_600_000,
  /** How long it is known that a head was evicted, and by which policy. */
  evictionsMs: 2_592_000_000,
  /** How long it is known what runs used, and what went because of a budget: 30 days. */
  pathNotesMs: 2_592_000_000,
  /** A note that lies further ahead than a run lasts was written by a clock that went wrong: a day. */
  noteAheadMs: 86_400_000,
  /** Of one head: 10 bytes each. */
  notedPaths: 500_000,
  /** What no run was seen to use for so long before the last look counts as not used: a week, so that a build of Mondays stays. */
  usedWithinMs: 604_800_000,
  /** Beyond this part of its budget, it is looked at what runs use of a volume. */
  lookAtPart: 0.8,
  /** Where so many times of what the volume holds is free: a look takes once that much. */
  lookRoom: 2,
  /** How often, where nothing went since. */
  lookEveryMs: 86_400_000,
  /** Nothing goes before it was looked at what is used, up to so many times the budget. */
  unseenGrowth: 1.5,
  /** Runs whose additions stay: the last, and the one before that may have run beside it. */
  recentRuns: 2,
  /** By itself, a smaller file of an index frees nothing to speak of, and may be missed: a block of a file system. */
  goingFileBytes: 4096,
  /** What a lane that nobody vouches for may take, whatever its share comes to. */
  t0LaneBytes: 1_073_741_824,
  /** Unless somebody says how much has to stay free, not more than this part of the file system: a small one would be full when it is empty. */
  freePart: 0.05,
  /** Down to a multiple of this, which can be said in few digits. */
  freeStep: 65_536,
  /** How often a home collects by itself. */
  collectEveryMs: 3_600_000,
  /** How often a collection looks at every layer on the disk, for what no metadata know of: a crash may have left it. */
  lookAtAllMs: 86_400_000,
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
  /** A head is read and written whole with each move; room for some 7,000 layers. */
  remoteHeadBytes: 4_194_304,
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
  /** What was begun there is given back when it is given up, for so long: what stays is swept later. */
  remoteAbandonMs: 2000,
  /** What an unfinished upload of so long ago has left is nobody's. */
  remoteSweepGraceMs: 86_400_000,
  /** So long after objects were marked they go: longer than any pull that has read a head that named them. */
  remoteMarkGraceMs: 86_400_000,
  /** Objects that are younger may belong to a push that has not named them yet. */
  remoteObjectGraceMs: 172_800_000,
  /** With each about 100 bytes, one head has room for them. */
  remoteMarkedObjects: 20_000,
  /** Times that a remote gives may be this much apart and mean one moment: buckets know seconds. */
  remoteClockStepMs: 5000,
  /** A collection of a remote deletes no longer than this at once. */
  remoteDeletingMs: 60_000,
  /** One that began to delete so long ago is dead. */
  remoteDeadMs: 900_000,
  /** How exactly a remote knows that somebody read a head. */
  remoteUseNotedMs: 86_400_000,
  /** How often a home collects in a remote by itself. */
  remoteCollectEveryMs: 86_400_000,
  /** How long a run waits, before its command begins, for a remote to say what it has. */
  remoteAnswerMs: 10_000,
  /** The same at its end, where the remote was gone at the start: it may have come back, but nobody waits for that. */
  remoteAgainMs: 2000,
  /** How long a run waits for layers at its start, and again at its end, by default. */
  remoteWaitMs: 300_000,
  /** Layers that are pulled, or pushed, at once: the next one is on its way while one is written down. */
  parallelLayers: 4,
  /** What asking for one more layer is worth, where one can be had in several ways: two requests. */
  layerRequestBytes: 65_536,
  /** Indexes of other machines' layers that a push is compared with: some 600,000 entries. */
  comparedIndexBytes: 67_108_864,
  /** Of what is smaller, a download that broke off begins anew. */
  resumableBytes: 8_388_608,
  /** Of layers that squashes replaced: some 1.5 MB of a head. */
  replacedLayers: 4000,
  /** Runs that only entries of squashes name: some 400 KB of a head. Of others it is not known any more there what they were. */
  manifestRuns: 2000,
  revokedRuns: 1000,
  /** A machine that was away for longer than so many removals brings back what was removed first: space, and nothing else. */
  removedLayers: 2000,
  /** Old states of a head that a directory keeps, for readers that have just looked which one is the newest. */
  remoteHeadsKept: 8,
  /** What is to be sent and is no larger than this never becomes a file: most layers of a run are small. */
  spooledInMemoryBytes: 1_048_576,
  /** Half a download is gone on with by the next run, or by a job that is tried again; after a day the head has moved on. */
  partialDownloadMs: 86_400_000,
} as const;
