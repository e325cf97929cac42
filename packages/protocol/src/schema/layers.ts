/** What a volume holds, and how it came to be there. */
export const layerTypes: string = `
"The current state of a volume on a lane."
type Head implements Node {
  "See Node."
  id: ID!
  "What it is a head of."
  volume: CacheVolume!
  "The name of the lane."
  lane: String!
  "Counts its moves: 1 for the first save."
  generation: Int!
  "When it moved last."
  updatedAt: DateTime!
  "The run that moved it last."
  run: Run!
  "Files and symlinks of all its layers; a path that several of them hold counts in each."
  files: Int!
  "Content of its layers."
  sizeBytes: Bytes!
  "Top first."
  layers: [Layer!]!
  "What it was after its moves, newest first; as far back as history goes."
  snapshots(
    "How many at most; up to 1000."
    first: Int! = 20
  ): [Snapshot!]!
  "What a reader of this lane finds, in byte order of the paths."
  entries(
    "Only this path and what is below it."
    under: String
    "How many at most; up to 10000."
    first: Int! = 1000
    "Continues behind the page whose \`endCursor\` this is."
    after: String
  ): EntryConnection!
}

"A state of a volume: what its head was after one move."
type Snapshot {
  "The number of the move."
  generation: Int!
  "When the head moved."
  at: DateTime!
  "The run that moved it."
  run: Run!
  "What the head named then, top first: ids of layers."
  layers: [String!]!
  "The layer that came with the move; null for one that only took layers away."
  layer: String
  "Paths that were not there before."
  added: Int!
  "Paths that were there, and are otherwise now."
  changed: Int!
  "Paths that are gone."
  removed: Int!
  "Content of that layer."
  sizeBytes: Bytes!
}

"An immutable set of paths that one run added, changed or removed."
type Layer implements Node {
  "See Node."
  id: ID!
  "The digest of its index: 64 hex digits."
  digest: String!
  "The run that made it; null where nothing is known of it any more."
  run: Run
  "When it was made; null where nothing is known of it any more, as for what follows."
  sealedAt: DateTime
  "Paths that were not there before."
  added: Int
  "Paths that were there, and are otherwise now."
  changed: Int
  "Paths that are gone."
  removed: Int
  "Files and symlinks that it holds."
  files: Int
  "Its content."
  sizeBytes: Bytes
  "Its own entries, in byte order of the paths."
  entries(
    "Only this path and what is below it."
    under: String
    "How many at most; up to 10000."
    first: Int! = 1000
    "Continues behind the page whose \`endCursor\` this is."
    after: String
  ): EntryConnection!
}

"One path of a layer, or of a head."
type Entry {
  "Inside the volume; bytes that are no UTF-8 as \`\\\\xNN\`."
  path: String!
  "What lies there."
  type: EntryType!
  "Permissions: an integer, 420 is 0644."
  mode: Int!
  "Of its content; 0 for what has none."
  sizeBytes: Bytes!
  "SHA-256 of its content, 64 hex digits; null for what has none."
  digest: String
  "When its content changed last, as far as the file system knew."
  modifiedAt: DateTime!
  "How versions of it relate: U, A, L, Q, G, W or D, see the glossary."
  mergeClass: String!
  "How it is taken away: \`counted\` (readers miss it), \`hint\`, \`below\`; null for what is there."
  removed: String
  "The runs that put it there: their ids."
  origins: [String!]!
}

"What can lie at a path."
enum EntryType {
  "With content."
  FILE
  "What is in it has entries of its own."
  DIRECTORY
  "Its content is what it leads to."
  SYMLINK
}

"A page of entries."
type EntryConnection {
  "The page itself."
  nodes: [Entry!]!
  "How the list goes on."
  pageInfo: PageInfo!
}

"One command that was run; what is told of a run whose record is gone is its id alone."
type Run {
  "\`run_\` and 32 hex digits."
  id: String!
  "The lane that it wrote; null as below where its record is gone."
  lane: String
  "When its session opened."
  startedAt: DateTime
  "The commit of the project's checkout."
  revision: String
  "The CI workflow."
  workflow: String
}

"What one layer says of a path."
type Blamed {
  "Whether a reader finds it, or a part of it where versions are merged; else something nearer decides."
  isSeen: Boolean!
  "As that layer has it."
  entry: Entry!
  "The layer: its digest."
  layer: String!
  "The lane whose head names the layer; \`seed\` for a directory that the volume is seeded from."
  lane: String!
  "Whether it lies below all lanes of the volume, by its source."
  isSeed: Boolean!
  "Those that the entry names as its origins."
  runs: [Run!]!
}

"A state of a volume, to be compared."
input StateInput {
  "Of a volume."
  volume: ID!
  "The lane that the caller writes where it is left out."
  lane: String
  "The head where it is left out."
  generation: Int
}

"What differs between two states."
type Difference {
  "Paths that were not there before."
  added: Int!
  "Paths that were there, and are otherwise now."
  changed: Int!
  "Paths that are gone."
  removed: Int!
  "The first of them, in byte order."
  paths: [PathDifference!]!
  "Whether there are more paths than were asked for."
  isCut: Boolean!
}

"A path that two states have otherwise."
type PathDifference {
  "Inside the volume."
  path: String!
  "What became of it."
  kind: DifferenceKind!
}

"How two states differ at a path."
enum DifferenceKind {
  "It is in the second state alone."
  ADDED
  "It is in both, and not the same."
  CHANGED
  "It is in the first state alone."
  REMOVED
}
`;
