/**
 * The schema of the engine's API, one for every endpoint: the engine that a program starts for itself, `cachelane serve`, and a hub. Descriptions are the
 * reference that docs/API.md prints; a change here is a change of the wire, and `protocol-version.ts` says what that takes.
 */
export const schemaText: string = `
"An instant, ISO 8601 in UTC: 2026-11-26T08:30:00.000Z."
scalar DateTime

"A count of bytes: an integer from 0 to 2^53 - 1."
scalar Bytes

"Where and who the calling program is, what the engine holds, and how it came to be there."
type Query {
  "The engine that answers."
  engine: Engine!
  "Where and who the caller is: its namespace, its lane, what it reads, and what decided that."
  context: Context!
  "A namespace by any of its names; null where no run has used it, and where the caller may not know of it."
  namespace(
    "Any of its names."
    path: String!
  ): Namespace
  "Namespaces in the order of their names."
  namespaces(
    "Only this one and those below it: \`github.com/acme\` has \`github.com/acme/web\`."
    under: String
    "How many at most; up to 1000."
    first: Int! = 100
    "Continues behind the page whose \`endCursor\` this is."
    after: String
  ): NamespaceConnection!
  """
  A volume by its key. Which one that is depends on nothing but key, namespace and compat: whoever asks in another project gets another volume, whoever asks
  again gets the same one, and sharing is an attribute. It need not hold anything yet.
  """
  cacheVolume(
    "A tool that cachelane knows (\`npm\`, \`go-build\`), a volume of cachelane.yaml, or any text."
    key: String!
    "The caller's own project where it is left out."
    namespace: String
    """
    Names inside that namespace, outermost first: those of whoever wants volumes of its own in every project, such as a library (\`["npm", "@acme/build"]\`). Any
    text; what is no name as it stands is escaped.
    """
    scope: [String!]
    "Added to what the tool says about who can use whose contents."
    compat: [CompatFieldInput!]
    "Who may be at work in it at once; as the tool suits it where it is left out."
    sharing: CacheSharingMode
  ): CacheVolume!
  "Volumes that hold something, by namespace, key and compat."
  volumes(
    "Only those of this namespace."
    namespace: String
    "Only those of this namespace and of those below it."
    under: String
    "Only those with this key."
    key: String
    "How many at most; up to 1000."
    first: Int! = 100
    "Continues behind the page whose \`endCursor\` this is."
    after: String
  ): CacheVolumeConnection!
  "What differs between two states of volumes, as a reader of each lane finds them; in the order of their paths."
  diff(
    "The one that is compared with."
    before: StateInput!
    "The one that is looked at."
    after: StateInput!
    "How many paths at most; up to 10000."
    first: Int! = 1000
  ): Difference!
  "What is held, by namespace or by lane; in the order of their names."
  usage(
    "What the lines are about."
    by: UsageGroup! = NAMESPACE
  ): [Usage!]!
  "Runs that are at work in volumes at this moment."
  sessions: [Session!]!
  "How long the caches of a namespace live, and how large they may be; that of the caller's own project where it is left out."
  policies(
    "Any of its names."
    namespace: String
  ): [Policy!]!
  "Whatever has this id; null where there is nothing, and where the caller may not know of it."
  node(
    "As a field \`id\` gave it."
    id: ID!
  ): Node
}

"""
What changes something, as the commands of the same names do. Each field is carried out or not at all, and is null where it was not: those before it stay done.
"""
type Mutation {
  """
  Says where and who the caller is, for all that it asks from then on with the session's token in the header \`cachelane-session\`. The session ends when it is closed, or when nothing was heard
  of it for a minute; forks that it left are discarded then.
  """
  openSession(
    "Absolute, on the engine's machine: whose project it is. Where the engine was started where it is left out."
    directory: String
    "Instead of the project's own namespace."
    namespace: String
    "It sees its own project and what that reads, and is not told whether there is anything else."
    confine: Boolean! = false
  ): ClientSession
  "Ends the caller's session. False where it has none."
  closeSession: Boolean
  """
  A directory for each volume, with what a run here would find, for the caller to work in: nobody else sees what it does there (but in SHARED volumes) before it is committed.
  """
  attach(
    "At most 32; none twice."
    volumes: [AttachInput!]!
    "How long to wait for runs that have a LOCKED volume; as \`cachelane run\` where it is left out."
    lockTimeoutSeconds: Int
  ): Fork
  "Saves what was changed in a fork, and ends it."
  commit(
    "Its id."
    fork: ID!
  ): [Saved!]
  "Ends a fork; what was changed in it is gone. False where it has ended before."
  discard(
    "Its id."
    fork: ID!
  ): Boolean
  "Brings back what a volume was, on the lane that the caller writes, at an earlier generation; itself a new generation."
  rollback(
    "Its id."
    volume: ID!
    "The one before the present one where it is left out."
    generation: Int
    "Says what would change, and changes nothing."
    dryRun: Boolean! = false
    "The caller's own name for this change, 1 to 200 characters: repeated under the same name, after an answer was lost, it is the same change."
    key: String
  ): RolledBack
  "Removes what a volume holds on one lane, history and all. Its layers go with the next collection."
  remove(
    "Its id."
    volume: ID!
    "The lane that the caller writes where it is left out."
    lane: String
    "On every lane."
    allLanes: Boolean! = false
    "Says what would go, and removes nothing."
    dryRun: Boolean! = false
  ): [Removed!]
  "Runs the tool's own clean-up in a volume and saves what it removed."
  prune(
    "Its id."
    volume: ID!
    "Says which command would run, and runs nothing."
    dryRun: Boolean! = false
  ): Pruned
  "Says how long the caches of a namespace, and of those below it, live, or how large they may be."
  setPolicy(
    "The caller's own project where it is left out."
    namespace: String
    "One of those that \`policies\` lists, of a namespace."
    key: String!
    "As a person would write it: \`14d\`, \`10GiB\`, \`none\`; null takes back what was said."
    value: String
  ): [Policy!]
  "Gives a namespace another name. Nothing moves, and the old name goes on working."
  renameNamespace(
    "Any of its names."
    from: String!
    "The new one."
    to: String!
    "Says whether it could be done, and changes nothing."
    dryRun: Boolean! = false
  ): Renamed
  "Hands the volumes of another name over to the caller's project."
  adopt(
    "The name that its directory had before it had any other, where it is left out."
    from: String
    "Says whether it could be done, and changes nothing."
    dryRun: Boolean! = false
  ): Renamed
}

"What goes on while it goes on."
type Subscription {
  "What forks and clean-ups of the caller's session tell, from now on."
  events: Event!
}

"What can be found again by its id."
interface Node {
  "Opaque; the same for the same thing, in every session and on every engine."
  id: ID!
}

"The engine that answers."
type Engine {
  "Of cachelane: 1.4.0."
  version: String!
  "Of this schema; it grows when a client of the one before might fail."
  protocolVersion: Int!
  "What this schema's text comes to: 64 hex digits of SHA-256."
  schemaHash: String!
}

"Where and who a program is."
type Context {
  "What scopes the names of its volumes: \`github.com/acme/web\`."
  namespace: String!
  "The lane that it writes: \`t1:ref:main\`."
  lane: String!
  "The level of that lane, T0 (untrusted) to T3 (release)."
  trust: TrustLevel!
  "Whether what it saves is kept."
  canWrite: Boolean!
  "Why this lane, and whether it may write: one clause."
  why: String!
  "The lanes that it reads, nearest first; the first is its own."
  readChain: [ChainLink!]!
  "What decided all that."
  inputs: [ContextInput!]!
}

"How far whoever writes a lane is trusted."
enum TrustLevel {
  "Nobody vouches for it: a pull request from a fork."
  T0
  "A branch or pull request of the repository itself, a person's own machine."
  T1
  "A protected branch."
  T2
  "A release."
  T3
}

"A lane of a namespace, as a read chain lists it."
type ChainLink {
  "The present name of the namespace."
  namespace: String!
  "The name of the lane."
  lane: String!
}

"One input that decided something of a context."
type ContextInput {
  "What it decided: \`namespace\`, \`lane\`, \`base\`, \`trust\`."
  name: String!
  "What it says."
  value: String!
  "Where it came from: \`--namespace\`, \`cachelane.yaml:2\`, \`GITHUB_REF in the environment\`."
  source: String!
}

"What scopes the names of volumes. It outlives sessions; a rename moves no data."
type Namespace implements Node {
  "See Node."
  id: ID!
  "Its present name."
  path: String!
  "Names that it had before, and that go on working."
  aliases: [String!]!
  "When a run first used it."
  createdAt: DateTime!
  "Volumes that hold something, by key and compat."
  volumes(
    "How many at most; up to 1000."
    first: Int! = 100
    "Continues behind the page whose \`endCursor\` this is."
    after: String
  ): CacheVolumeConnection!
  "How long its caches live, and how large they may be."
  policies: [Policy!]!
}

"A page of namespaces."
type NamespaceConnection {
  "The page itself."
  nodes: [Namespace!]!
  "How the list goes on."
  pageInfo: PageInfo!
}

"How a list goes on."
type PageInfo {
  "Whether there is more behind this page."
  hasNextPage: Boolean!
  "What continues behind this page; null where it is empty."
  endCursor: String
}

"Who may be at work in a volume at once. An attribute of what a run asks for: all three see the same heads."
enum CacheSharingMode {
  "All in one directory."
  SHARED
  "A view each; what they changed is merged at the end."
  PRIVATE
  "One after the other."
  LOCKED
}

"One field of what says who can use whose contents: \`os\`, \`arch\`."
type CompatField {
  "As the tool, or whoever asked, calls it."
  name: String!
  "What it is here."
  value: String!
}

"One field of what says who can use whose contents."
input CompatFieldInput {
  "Letters, digits, dots, dashes and underscores; at most 64."
  name: String!
  "At most 256 bytes, without control characters."
  value: String!
}

"A cache directory with a name inside a namespace."
type CacheVolume implements Node {
  "See Node."
  id: ID!
  "Its name inside the namespace; a key that is no name as it stands is escaped."
  key: String!
  "The present name of its namespace."
  namespace: String!
  "Who can use its contents; part of what it is."
  compat: [CompatField!]!
  "The tool whose rules hold for it; \`directory\` where it belongs to none."
  tool: String!
  "As it was asked for; null: as suits the tool."
  sharing: CacheSharingMode
  "Told of the request for it: that another one on this engine asked for the same volume with other attributes."
  warnings: [String!]!
  "What it is on each lane that has something, by the name of the lane."
  heads: [Head!]!
  "What it is on one lane; null where that has nothing. The lane that the caller writes where it is left out."
  head(
    "The name of a lane."
    lane: String
  ): Head
  """
  Which runs provide what a reader of one lane finds at a path, nearest first; what is hidden below it follows. Empty where no layer says anything of it.
  """
  blame(
    "Inside the volume: \`_cacache/index-v5/ab/cd\`."
    path: String!
    "The caller's read chain where it is left out."
    lane: String
  ): [Blamed!]!
  "Why a run here would get what it would get; null for a volume that has no place of its own here."
  explain: Explanation
  "Content of the layers that its heads name, each counted once."
  sizeBytes: Bytes!
}

"A page of volumes."
type CacheVolumeConnection {
  "The page itself."
  nodes: [CacheVolume!]!
  "How the list goes on."
  pageInfo: PageInfo!
}

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
  "The lane whose head names the layer."
  lane: String!
  "Those that the entry names as its origins."
  runs: [Run!]!
}

"Why a run here would get what it would get of a volume."
type Explanation {
  "One sentence."
  why: String!
  "What machines agree on: a hash of namespace id, key, compat and lane; null until the namespace has an id."
  lowLevelId: String
  "Where a command finds it."
  path: String!
  "Who says that it is there."
  pathSource: String!
  "What makes it usable there: \`overlay\`, \`clone\`, \`live\`."
  mounter: String!
  "Why that one: one clause."
  mounterWhy: String!
  "What makes a plain run attach it: a lockfile, a line of cachelane.yaml; null where nothing does."
  chosenBy: String
  "The lanes that are read, nearest first, and what each holds."
  readChain: [ExplainedLink!]!
  "How long what is saved lives after its last use; null: until it is removed."
  keptFor: String
  "Which policy says so, and who set it."
  keptBy: String!
  "Where it is shared with other machines; null: nowhere."
  remote: String
}

"A lane of a read chain, and what it holds of a volume."
type ExplainedLink {
  "The present name of the namespace."
  namespace: String!
  "The name of the lane."
  lane: String!
  "0 where it holds nothing."
  generation: Int!
  "How many its head names."
  layers: Int!
  "Files and symlinks of those."
  files: Int!
  "Content of those."
  sizeBytes: Bytes!
  "When its head moved last; null where it holds nothing."
  updatedAt: DateTime
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

"What usage is counted by."
enum UsageGroup {
  "A line for each namespace."
  NAMESPACE
  "A line for each lane of each namespace."
  LANE
}

"What a namespace, or one of its lanes, holds."
type Usage {
  "The present name of the namespace."
  namespace: String!
  "Null where it is that of the whole namespace."
  lane: String
  "How many hold something."
  volumes: Int!
  "How many lanes of them do, all together."
  heads: Int!
  "Content of the layers that its heads name, each counted once."
  sizeBytes: Bytes!
  "Of that, layers that nothing else names: what would be free without it."
  uniqueBytes: Bytes!
}

"A run that is at work in volumes."
type Session {
  "\`ses_\` and 32 hex digits."
  id: String!
  "The present name of the namespace."
  namespace: String!
  "The name of the lane."
  lane: String!
  "What it is told to be of in history."
  run: Run!
  "When it began."
  openedAt: DateTime!
  "Where it has volumes."
  paths: [String!]!
  "Whether its process lives: the kernel frees the lease of one that died."
  isAlive: Boolean!
}

"What holds for a namespace."
type Policy {
  "\`keep-branch\`, \`volume-size\`, …: docs/CONFIGURATION.md has them all."
  key: String!
  "As a person would write it: \`14d\`, \`10GiB\`, \`none\`."
  value: String!
  "Who says so: \`default\`, \`cachelane ns policy github.com/acme\`."
  source: String!
  "What it is about."
  meaning: String!
}

"A client of the engine, in its project."
type ClientSession {
  "For the header \`cachelane-session\`. Whoever has it is this client."
  token: String!
  "Where and who its client is."
  context: Context!
  "As it was asked for."
  isConfined: Boolean!
}

"A volume to work in."
input AttachInput {
  "Of a volume."
  volume: ID!
  "Instead of what cachelane.yaml says, or suits the tool."
  sharing: CacheSharingMode
  "\`READ\` saves nothing, \`WRITE_ONLY\` begins with nothing."
  mode: AttachMode! = WRITE
}

"What a fork finds, and whether it saves."
enum AttachMode {
  "What is there is found, and nothing is saved."
  READ
  "What is there is found, and what changes is saved at the commit."
  WRITE
  "The directory is empty at first, and what is put there is saved."
  WRITE_ONLY
}

"Directories that a client works in, until it commits or discards them."
type Fork {
  "Good in the caller's session alone."
  id: ID!
  "The run that what it saves is told to be of."
  run: String!
  "In the order in which they were asked for."
  volumes: [ForkedVolume!]!
}

"One volume of a fork."
type ForkedVolume {
  "The name of the volume."
  key: String!
  "The present name of the namespace."
  namespace: String!
  "Absolute, on the engine's machine."
  directory: String!
  "What makes the tool look there, for the environment of its commands; empty where it has no setting for that."
  environment: [EnvironmentVariable!]!
  "As it is, and not only as it was asked for."
  sharing: CacheSharingMode!
  "The lane that is written."
  lane: String!
}

"A variable for a command."
type EnvironmentVariable {
  "Of the variable."
  name: String!
  "What it has to be set to."
  value: String!
}

"What became of a volume's changes."
type Saved {
  "The name of the volume."
  key: String!
  "Paths that were not there before."
  added: Int!
  "Paths that were there, and are otherwise now."
  changed: Int!
  "Paths that are gone."
  removed: Int!
  "Content of the new layer."
  savedBytes: Bytes!
  "The layer that holds them: its digest; null where nothing was saved."
  layer: String
  "Paths that were united with the work of other runs."
  merged: Int!
  "Paths that two runs decided differently."
  conflicts: [Conflict!]!
  "Why nothing was saved; null where something was, or there was nothing."
  skipped: String
}

"A path that two runs decided differently, and that nothing could unite."
type Conflict {
  "Inside the volume."
  path: String!
  "How it was decided: \`later run kept\`, \`nearest lane kept\`, …"
  resolution: String!
  "Holds the version that does not show; null where it is not known any more."
  layer: String
}

"What a rollback did, or would do."
type RolledBack {
  "The name of the lane."
  lane: String!
  "The generation that was left."
  from: Int!
  "The one whose layers are back."
  to: Int!
  "The new one; null for a dry run, and where the head named those layers already."
  generation: Int
  "Layers of runs that ended meanwhile, and stay."
  keptOnTop: Int!
}

"What is gone of one lane, or would be."
type Removed {
  "The name of the lane."
  lane: String!
  "Where its head was."
  generation: Int!
  "How many its head named."
  layers: Int!
  "Content of those."
  sizeBytes: Bytes!
}

"What a clean-up did, or would do."
type Pruned {
  "What runs, word by word."
  command: [String!]!
  "Null for a dry run."
  saved: Saved
}

"What has another name now, or would have."
type Renamed {
  "The namespace by its new name."
  namespace: String!
  "What it holds, by key."
  volumes: [String!]!
}

"What a fork or a clean-up tells while it works."
type Event {
  "When it happened."
  at: DateTime!
  "What kind it is."
  type: EventType!
  "The key of the volume that it is about; null where it is about none."
  volume: String
  "One sentence; null where the type says all."
  message: String
  "Of a warning: its code."
  code: String
  "Of a warning: what can be done about it."
  hint: String
  "Of progress."
  done: Float
  "Null while it is unknown."
  total: Float
  "Of \`SAVED\`: what became of the changes."
  saved: Saved
}

"Kinds of events."
enum EventType {
  "A fork, or a clean-up, has begun."
  SESSION_OPENED
  "A volume is in place."
  ATTACHED
  "Another run has a volume for itself."
  WAITING
  "Something that takes long goes on."
  PROGRESS
  "What became of the changes of one volume."
  SAVED
  "What went to the remote, and came from it."
  SYNCED
  "Something went wrong that the work goes on without."
  WARNING
  "Anything else, for people."
  OTHER
}
`.trimStart();
