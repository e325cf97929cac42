/** Volumes, providers and explanations. */
export const volumeTypes: string = `
"How concurrent runs use a volume. It belongs to the request: all modes use the same heads."
enum CacheSharingMode {
  "All in one directory."
  SHARED
  "Each in its own view. Changes are merged at the end."
  PRIVATE
  "One after the other."
  LOCKED
}

"A field that separates incompatible contents: \`os\`, \`arch\`."
type CompatField {
  "The field's name."
  name: String!
  "The field's value."
  value: String!
}

"A field that separates incompatible contents."
input CompatFieldInput {
  "Letters, digits, dots, dashes and underscores; at most 64."
  name: String!
  "At most 256 bytes, without control characters."
  value: String!
}

"""
The seed of a volume: a directory or another volume. The lanes' entries lie above it and can hide it. The seed itself
is neither saved nor sent to other machines.
"""
input SourceInput {
  """
  Absolute, on the engine's machine, without \`.\` and \`..\`. It is read for each fork, and again after changes. Left
  out are files that the tool never stores, symlinks that lead outside, and special files. Not allowed in a confined
  session.
  """
  directory: String
  "The id of another volume of the same tool. The caller's read chain decides what is seen of it."
  volume: ID
}

"The seed of a volume: one of the two is set."
type VolumeSource {
  "Absolute, on the engine's machine."
  directory: String
  "The id of another volume."
  volume: ID
}

"A cache directory with a name in a namespace."
type CacheVolume implements Node {
  "See Node."
  id: ID!
  "Its name in the namespace, escaped where needed."
  key: String!
  "The present name of its namespace."
  namespace: String!
  "Separates incompatible contents. Part of its identity."
  compat: [CompatField!]!
  "The tool whose rules apply; \`directory\` for a volume without a tool."
  tool: String!
  "The requested mode; null: the tool's default."
  sharing: CacheSharingMode
  "The requested owner of its files in a container."
  owner: String
  "The requested seed."
  source: VolumeSource
  "Warnings about this request, such as an earlier request on this engine for the same volume with other attributes."
  warnings: [String!]!
  "The provider that a fork or run here gets by its key; null: this volume. All other fields are about this volume."
  provider: Provider
  "Its heads on all lanes, sorted by lane."
  heads: [Head!]!
  "Its head on one lane; null if that is empty. The default is the lane that the caller writes."
  head(
    "The name of a lane."
    lane: String
  ): Head
  "The runs that wrote a path, nearest first, including hidden entries. Empty if no layer has the path."
  blame(
    "Relative to the volume: \`_cacache/index-v5/ab/cd\`."
    path: String!
    "The default is the caller's read chain with the seed below it."
    lane: String
    "Overrides the requested seed. Of a directory, the latest reading of this engine is used."
    source: SourceInput
  ): [Blamed!]!
  "Why a run here gets this volume in this way; null if the volume has no path here."
  explain(
    "Overrides the requested seed and cachelane.yaml."
    source: SourceInput
  ): Explanation
  "Bytes in the layers of its heads, each layer counted once."
  sizeBytes: Bytes!
  "Its grants. A confined session of another project sees only grants to itself."
  grants: [Grant!]!
  "Feeds that save to it. A confined session of another project sees none."
  feeds: [Feed!]!
}

"What a provider provides."
enum ProvidedKind {
  "A stored volume."
  VOLUME
  "A directory of this machine. It is never saved."
  DIRECTORY
  "An empty directory that is removed afterwards."
  NOTHING
}

"The provider of a volume. Only the store is consulted: no image is fetched and no directory read."
type Provider {
  "Its reference: \`catalog:github.com/acme/pip-cache\`, \`dir:/mnt/pip\`."
  reference: String!
  "Where it was chosen: \`CACHELANE_PROVIDERS\`, \`cachelane.yaml:4\`."
  chosenBy: String!
  "What it provides; null for a custom provider, which only runs ask."
  kind: ProvidedKind
  "The volume that it provides, another one for \`project:\` and \`catalog:\`; null if there is none or it is not available."
  volume: CacheVolume
  "Why it is not available, in one sentence; null if it is, as far as the store knows. Attaching it reports the same."
  problem: String
}

"A page of volumes."
type CacheVolumeConnection {
  "The items of the page."
  nodes: [CacheVolume!]!
  "The position of the page."
  pageInfo: PageInfo!
}

"How a run here would get a volume, and why."
type Explanation {
  "One sentence."
  why: String!
  "A hash of namespace id, key, compat and lane, equal on all machines; null until the namespace has an id."
  lowLevelId: String
  "Where a command finds it."
  path: String!
  "What decided the path."
  pathSource: String!
  "How it is attached: \`overlay\`, \`clone\`, \`live\`."
  mounter: String!
  "Why it is attached this way, as one clause."
  mounterWhy: String!
  "Why a plain run attaches it: a lockfile, a line of cachelane.yaml; null if it does not."
  chosenBy: String
  "The lanes that are read, nearest first, with their content."
  readChain: [ExplainedLink!]!
  "Other namespaces whose volume of this key it may read or save to, nearest first."
  tiers: [ExplainedTier!]!
  "Its seed, a directory or a volume; null: none."
  seed: String
  "A finding under a policy that requires catalog names; null if there is nothing to report."
  catalog: String
  "How long saved work lives after its last use; null: until it is removed."
  keptFor: String
  "The policy that decides this, and where it was set."
  keptBy: String!
  "Its provider, such as \`dir:/mnt/pip\`; null: the project's own volume."
  provider: String
  "Where that provider was chosen."
  providerBy: String
  "What a run gets from the provider."
  gives: String
  "The catalog definition and version that it comes from, and whether cachelane.lock or the store decides; null: none."
  definition: String
  "The remote that it is synced with; null: none."
  remote: String
}

"Another namespace whose volume of the same key a run may read or save to."
type ExplainedTier {
  "The name that the project uses for it."
  namespace: String!
  "Why it is a tier, as one clause."
  by: String!
  "Its lane that is read; null: none."
  lane: String
  "Whether runs read it."
  isRead: Boolean!
  "Why, or why not, as one clause."
  why: String!
  "The number of its layers."
  layers: Int!
  "Files and symlinks in them."
  files: Int!
  "Bytes in its layers."
  sizeBytes: Bytes!
  "Whether runs also save to it."
  isFed: Boolean!
  "The feed, or why there is none, as one clause."
  feeding: String!
}

"A lane of a read chain and its content of a volume."
type ExplainedLink {
  "The present name of the namespace."
  namespace: String!
  "The name of the lane."
  lane: String!
  "0 if it is empty."
  generation: Int!
  "The number of its layers."
  layers: Int!
  "Files and symlinks in them."
  files: Int!
  "Bytes in its layers."
  sizeBytes: Bytes!
  "When its head last moved; null if it is empty."
  updatedAt: DateTime
}
`;
