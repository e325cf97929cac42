/** Heads, layers, entries and differences. */
export const layerTypes: string = `
"The current state of a volume on a lane."
type Head implements Node {
  "See Node."
  id: ID!
  "The volume."
  volume: CacheVolume!
  "The name of the lane."
  lane: String!
  "The number of its moves: 1 for the first save."
  generation: Int!
  "When it last moved."
  updatedAt: DateTime!
  "The run that last moved it."
  run: Run!
  "Files and symlinks of all its layers. A path counts once for each layer that has it."
  files: Int!
  "Bytes in its layers."
  sizeBytes: Bytes!
  "Top layer first."
  layers: [Layer!]!
  "Its states, newest first, as far back as the history goes."
  snapshots(
    "Page size, at most 1000."
    first: Int! = 20
  ): [Snapshot!]!
  "The entries that a reader of this lane sees, in byte order of their paths."
  entries(
    "Only this path and the paths below it."
    under: String
    "Page size, at most 10000."
    first: Int! = 1000
    "The \`endCursor\` of the previous page."
    after: String
  ): EntryConnection!
}

"The state of a volume after one move of its head."
type Snapshot {
  "The number of the move."
  generation: Int!
  "When the head moved."
  at: DateTime!
  "The run that moved it."
  run: Run!
  "Ids of its layers, top layer first."
  layers: [String!]!
  "The layer that the move added; null if it only removed layers."
  layer: String
  "Number of new paths."
  added: Int!
  "Number of changed paths."
  changed: Int!
  "Number of removed paths."
  removed: Int!
  "Bytes in that layer."
  sizeBytes: Bytes!
}

"An immutable set of paths that one run added, changed or removed."
type Layer implements Node {
  "See Node."
  id: ID!
  "The digest of its index, 64 hex digits."
  digest: String!
  "The run that made it; null if no longer known."
  run: Run
  "When it was made. This and the following fields are null if its record is gone."
  sealedAt: DateTime
  "Number of new paths."
  added: Int
  "Number of changed paths."
  changed: Int
  "Number of removed paths."
  removed: Int
  "Number of files and symlinks."
  files: Int
  "Bytes in its files."
  sizeBytes: Bytes
  "Its own entries, in byte order of their paths."
  entries(
    "Only this path and the paths below it."
    under: String
    "Page size, at most 10000."
    first: Int! = 1000
    "The \`endCursor\` of the previous page."
    after: String
  ): EntryConnection!
}

"One path of a layer or head."
type Entry {
  "Relative to the volume. Bytes that are not UTF-8 are written as \`\\\\xNN\`."
  path: String!
  "The type of the entry."
  type: EntryType!
  "Permissions as an integer: 420 is 0644."
  mode: Int!
  "Bytes of its content; 0 if it has none."
  sizeBytes: Bytes!
  "SHA-256 of its content, 64 hex digits; null if it has none."
  digest: String
  "When its content last changed, according to the file system."
  modifiedAt: DateTime!
  "How its versions are merged: U, A, L, Q, G, W or D. See the glossary."
  mergeClass: String!
  "How it was removed: \`counted\` (readers miss it), \`hint\`, \`below\`; null if it was not."
  removed: String
  "Ids of the runs that wrote it."
  origins: [String!]!
}

"Types of entries."
enum EntryType {
  "A file."
  FILE
  "A directory. Its content has separate entries."
  DIRECTORY
  "A symlink. Its content is its target."
  SYMLINK
}

"A page of entries."
type EntryConnection {
  "The items of the page."
  nodes: [Entry!]!
  "The position of the page."
  pageInfo: PageInfo!
}

"One command that was run. Only the id is known if its record is gone."
type Run {
  "\`run_\` and 32 hex digits."
  id: String!
  "The lane that it wrote. This and the following fields are null if its record is gone."
  lane: String
  "When its session opened."
  startedAt: DateTime
  "The commit of the project's checkout."
  revision: String
  "The CI workflow."
  workflow: String
}

"The entry of one layer for a path."
type Blamed {
  "Whether a reader sees the entry, at least as part of a merge. Otherwise a nearer layer hides it."
  isSeen: Boolean!
  "The entry in that layer."
  entry: Entry!
  "The digest of the layer."
  layer: String!
  "The lane whose head has the layer; \`seed\` for a seed directory."
  lane: String!
  "Whether the layer comes from the volume's seed."
  isSeed: Boolean!
  "The runs that wrote the entry."
  runs: [Run!]!
}

"A state of a volume to compare."
input StateInput {
  "The volume's id."
  volume: ID!
  "The default is the lane that the caller writes."
  lane: String
  "The default is the head."
  generation: Int
}

"The difference between two states."
type Difference {
  "Number of new paths."
  added: Int!
  "Number of changed paths."
  changed: Int!
  "Number of removed paths."
  removed: Int!
  "The first differing paths, in byte order."
  paths: [PathDifference!]!
  "Whether there are more paths than were requested."
  isCut: Boolean!
}

"A path that differs between two states."
type PathDifference {
  "Relative to the volume."
  path: String!
  "The kind of change."
  kind: DifferenceKind!
}

"Kinds of differences."
enum DifferenceKind {
  "Only the second state has it."
  ADDED
  "Both states have it, with different content."
  CHANGED
  "Only the first state has it."
  REMOVED
}
`;
