/** What a caller asks for by its key. */
export const volumeTypes: string = `
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

"""
What lies below all that is read of a volume: one of the two. A lane's own entries are found above it, and hide it where it removed something; nothing of it is saved, and none of it goes to other machines.
"""
input SourceInput {
  """
  Absolute, on the engine's machine, without \`.\` and \`..\`. It is read when a fork is made, and read again when something in it changed. What the tool never stores is left out, and so are symlinks that lead out of it and
  what is neither file nor directory. A confined session may name none.
  """
  directory: String
  "The id of another volume of the same tool: what the caller finds of it."
  volume: ID
}

"What lies below all that is read of a volume: one of the two."
type VolumeSource {
  "Absolute, on the engine's machine."
  directory: String
  "Of another volume."
  volume: ID
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
  "As it was asked for: who its files are to belong to in a container."
  owner: String
  "As it was asked for: what lies below all that is read of it."
  source: VolumeSource
  "Told of the request for it: that another one on this engine asked for the same volume with other attributes, who, when and how."
  warnings: [String!]!
  "What decides what a fork or a run here finds by its key; null: it is this volume. All else here is about this volume, whatever is found."
  provider: Provider
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
    "The caller's read chain, and the seed below it, where it is left out."
    lane: String
    "Instead of that of the request. Of a directory what this engine read last is known."
    source: SourceInput
  ): [Blamed!]!
  "Why a run here would get what it would get; null for a volume that has no place of its own here."
  explain(
    "Instead of that of the request, and of cachelane.yaml."
    source: SourceInput
  ): Explanation
  "Content of the layers that its heads name, each counted once."
  sizeBytes: Bytes!
  "With whom it is shared; a confined session of another project is told what is for that."
  grants: [Grant!]!
  "What feeds it as part of a tier; a confined session of another project is told nothing of that."
  feeds: [Feed!]!
}

"What a volume is made of where it is attached."
enum ProvidedKind {
  "A volume of the store."
  VOLUME
  "A directory of this machine: nothing of it is stored."
  DIRECTORY
  "An empty directory, which is gone afterwards."
  NOTHING
}

"What decides what a volume is made of here. Nothing but the store is asked for that: no image is fetched, and no directory looked at."
type Provider {
  "As a reference names it: \`catalog:github.com/acme/pip-cache\`, \`dir:/mnt/pip\`."
  reference: String!
  "Who chose it: \`CACHELANE_PROVIDERS\`, \`cachelane.yaml:4\`."
  chosenBy: String!
  "What it gives; null for one of somebody's own, which only a run asks."
  kind: ProvidedKind
  "The volume that it gives, which is another one for \`project:\` and \`catalog:\`; null where it gives none, or none that can be had."
  volume: CacheVolume
  "Why that cannot be had, one sentence: whoever attaches it is told the same. Null: it can, as far as the store knows."
  problem: String
}

"A page of volumes."
type CacheVolumeConnection {
  "The page itself."
  nodes: [CacheVolume!]!
  "How the list goes on."
  pageInfo: PageInfo!
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
  "Other namespaces whose volume of this key it may start with, or feed; nearest first."
  tiers: [ExplainedTier!]!
  "What lies below them: a directory, or a volume; null: nothing."
  seed: String
  "That its name is in no catalog of the namespace or of those above it, where a policy wants that, and what becomes of it; null where nothing is to be said."
  catalog: String
  "How long what is saved lives after its last use; null: until it is removed."
  keptFor: String
  "Which policy says so, and who set it."
  keptBy: String!
  "What decides what it is made of, such as \`dir:/mnt/pip\`; null: it is the project's own volume."
  provider: String
  "Who chose that provider."
  providerBy: String
  "What a run here finds because of it."
  gives: String
  "By which definition of a catalog it is had, in which version, and whether cachelane.lock or this engine's store says so; null: by none."
  definition: String
  "Where it is shared with other machines; null: nowhere."
  remote: String
}

"Another namespace whose volume of the same key a run may start with, or feed."
type ExplainedTier {
  "As the project names it."
  namespace: String!
  "Who made it one, and by what right: one clause."
  by: String!
  "The lane of it that is read; null: none."
  lane: String
  "Whether a run starts with what it has."
  isRead: Boolean!
  "Why it does, or why not: one clause."
  why: String!
  "How many its head names."
  layers: Int!
  "Files and symlinks of those."
  files: Int!
  "Content of those."
  sizeBytes: Bytes!
  "Whether what a run saves goes there."
  isFed: Boolean!
  "By which rule, or why not: one clause."
  feeding: String!
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
`;
