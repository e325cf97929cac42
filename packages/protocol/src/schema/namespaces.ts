/** What scopes volumes, and what holds for it. */
export const namespaceTypes: string = `
"What scopes the names of volumes. It outlives sessions; a rename moves no data."
type Namespace implements Node {
  "See Node."
  id: ID!
  "Its present name."
  path: String!
  "Names that it had before, and that go on working."
  aliases: [String!]!
  "When somebody created it, or a run first used it."
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
  "What it shares with others, by volume and whom it is for."
  grants: [Grant!]!
  "What others share with it, by whose it is, volume and whom it is for."
  granted: [Grant!]!
  "What feeds it as a tier, by volume, project and lane."
  feeds: [Feed!]!
}

"A page of namespaces."
type NamespaceConnection {
  "The page itself."
  nodes: [Namespace!]!
  "How the list goes on."
  pageInfo: PageInfo!
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
  "Where tools look for its volumes. A fork works in directories of its own, which the answer to \`attach\` names."
  paths: [String!]!
  "Whether its process, or one that this left behind, lives: the kernel frees the lease of one that died."
  isAlive: Boolean!
}

"What a session has of a volume at this moment, and others wait for or leave alone."
type Lease {
  "What it is."
  kind: LeaseKind!
  "The present name of the volume's namespace."
  namespace: String!
  "Of the volume."
  key: String!
  "Of the volume."
  compat: [CompatField!]!
  "The lane that is locked, or whose directory it is; null for layers, which may be of several."
  lane: String
  "How many are pinned; null for other kinds."
  layers: Int
  "Of the directory; null for other kinds."
  path: String
  "\`ses_\` and 32 hex digits: one of \`sessions\`."
  session: String!
  "\`run_\` and 32 hex digits: what history tells it to be of."
  run: String!
  "When the session began."
  since: DateTime!
  "Whether its process, or one that this left behind, lives. What a dead one has is given back by the next run."
  isAlive: Boolean!
}

"What a session can have of a volume."
enum LeaseKind {
  "A lane of it, against others that ask for it LOCKED."
  LOCK
  "Layers of it, and the volume itself: they do not go while the session lives. Derived layers are no volume's, and not told of."
  PIN
  "A directory that is kept from run to run: nobody removes it meanwhile."
  DIRECTORY
}
`;
