/** Namespaces, policies, usage, sessions and leases. */
export const namespaceTypes: string = `
"The scope of volume names. It outlives sessions, and renaming it moves no data."
type Namespace implements Node {
  "See Node."
  id: ID!
  "Its present name."
  path: String!
  "Earlier names, which still work."
  aliases: [String!]!
  "When it was created, or first used by a run."
  createdAt: DateTime!
  "Non-empty volumes, sorted by key and compat."
  volumes(
    "Page size, at most 1000."
    first: Int! = 100
    "The \`endCursor\` of the previous page."
    after: String
  ): CacheVolumeConnection!
  "The policies for its caches."
  policies: [Policy!]!
  "Its grants to others, sorted by volume and grantee."
  grants: [Grant!]!
  "Grants of others to it, sorted by owner, volume and grantee."
  granted: [Grant!]!
  "Feeds that save to it as a tier, sorted by volume, project and lane."
  feeds: [Feed!]!
}

"A page of namespaces."
type NamespaceConnection {
  "The items of the page."
  nodes: [Namespace!]!
  "The position of the page."
  pageInfo: PageInfo!
}

"A policy of a namespace."
type Policy {
  "\`keep-branch\`, \`volume-size\`, …: all are in docs/reference/configuration.md."
  key: String!
  "As in cachelane.yaml: \`14d\`, \`10GiB\`, \`none\`."
  value: String!
  "Where it was set: \`default\`, \`cachelane ns policy github.com/acme\`."
  source: String!
  "What it controls."
  meaning: String!
}

"How usage is grouped."
enum UsageGroup {
  "One row for each namespace."
  NAMESPACE
  "One row for each lane of each namespace."
  LANE
}

"The space that a namespace, or one of its lanes, uses."
type Usage {
  "The present name of the namespace."
  namespace: String!
  "Null for the whole namespace."
  lane: String
  "The number of non-empty volumes."
  volumes: Int!
  "The number of their heads."
  heads: Int!
  "Bytes in the layers of its heads, each layer counted once."
  sizeBytes: Bytes!
  "Bytes in layers that only it uses: what removing it would free."
  uniqueBytes: Bytes!
}

"A running session."
type Session {
  "\`ses_\` and 32 hex digits."
  id: String!
  "The present name of the namespace."
  namespace: String!
  "The name of the lane."
  lane: String!
  "The run that it is recorded under."
  run: Run!
  "When it began."
  openedAt: DateTime!
  "Where tools find its volumes. For a fork, see the directories in the result of \`attach\`."
  paths: [String!]!
  "Whether its process, or one that it left behind, is running."
  isAlive: Boolean!
}

"A part of a volume that a session holds, so that others wait for it or leave it alone."
type Lease {
  "The kind of lease."
  kind: LeaseKind!
  "The present name of the volume's namespace."
  namespace: String!
  "The volume's key."
  key: String!
  "The volume's key."
  compat: [CompatField!]!
  "The locked lane, or the lane of the directory; null for pinned layers, which may be of several lanes."
  lane: String
  "The number of pinned layers; null for other kinds."
  layers: Int
  "The path of the directory; null for other kinds."
  path: String
  "\`ses_\` and 32 hex digits: one of \`sessions\`."
  session: String!
  "\`run_\` and 32 hex digits: the run that it is recorded under."
  run: String!
  "When the session began."
  since: DateTime!
  "Whether its process, or one that it left behind, is running. The next run releases the leases of a dead session."
  isAlive: Boolean!
}

"Kinds of leases."
enum LeaseKind {
  "A lane that is locked against other LOCKED requests."
  LOCK
  "Layers that are not deleted while the session lives. Derived layers belong to no volume and are not listed."
  PIN
  "A directory that is kept between runs and not removed while the session lives."
  DIRECTORY
}
`;
