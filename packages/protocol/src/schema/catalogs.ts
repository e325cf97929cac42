/** What namespaces offer to others. */
export const catalogTypes: string = `
"What a namespace offers in one version, which never changes."
type Catalog {
  "The present name of the namespace that offers it."
  namespace: String!
  "1 for the first that was published; another content is another version."
  version: Int!
  "Whether there is no later one."
  isLatest: Boolean!
  "What its content comes to, however it was written: 64 hex digits of SHA-256."
  digest: String!
  "When this version was published."
  publishedAt: DateTime!
  "Who did, for people."
  publishedBy: String!
  "For people; empty where nothing is said."
  docs: String!
  "In the order of their names."
  definitions: [Definition!]!
  "One of them by its name. E_CATALOG where there is none, which says what there is that is called alike, or when it went, and why."
  definition(
    "As it is published: \`pip-cache\`."
    name: String!
  ): Definition!
  "All versions that are there, newest first."
  versions: [CatalogVersion!]!
  "What this version changed since an earlier one, in the order of the names."
  changes(
    "The one before where it is left out; for the first one, all is new."
    since: Int
  ): [DefinitionChange!]!
  """
  The volume that a definition means to the caller, as \`cacheVolume\` of \`Query\` has it: its own (tier \`PROJECT\`), or the one of the namespace that offers it (\`CATALOG\`). \`warnings\` says that it is deprecated, and what to use instead. Its id says by
  which definition it was asked for. E_CATALOG for a name that this version has not.
  """
  cacheVolume(
    "Of the definition: \`pip-cache\`."
    name: String!
    "Of tier \`PROJECT\`: instead of the caller's own project. A volume of tier \`CATALOG\` is where it is."
    namespace: String
    "Of tier \`PROJECT\`: as that of \`cacheVolume\` of \`Query\`."
    scope: [String!]
    "Added to what tool and definition say about who can use whose contents."
    compat: [CompatFieldInput!]
    "As the definition says where it is left out."
    sharing: CacheSharingMode
    "As that of \`cacheVolume\` of \`Query\`."
    source: SourceInput
    "As that of \`cacheVolume\` of \`Query\`."
    owner: String
  ): CacheVolume!
}

"A page of catalogs."
type CatalogConnection {
  "The page itself."
  nodes: [Catalog!]!
  "How the list goes on."
  pageInfo: PageInfo!
}

"One version of a catalog, without what it says."
type CatalogVersion {
  "1 for the first."
  version: Int!
  "What its content comes to."
  digest: String!
  "When it was published."
  publishedAt: DateTime!
  "Who did, for people."
  publishedBy: String!
}

"Whose volume a definition means."
enum DefinitionTier {
  "Each project has its own, with what the namespaces above share of that key below it."
  PROJECT
  "There is one, of the namespace that offers it."
  CATALOG
}

"A volume that a namespace offers."
type Definition {
  "What consumers ask for: \`pip-cache\`."
  name: String!
  "The version of the catalog that this is from."
  catalog: Catalog!
  "The tool whose rules hold for it."
  tool: String!
  "The key of the volume."
  key: String!
  "Whose volume it is."
  tier: DefinitionTier!
  "Null: as suits the tool."
  sharing: CacheSharingMode
  "Added to what the tool says."
  compat: [CompatField!]!
  "For people; empty where nothing is said."
  docs: String!
  "Why it should not be used any more, and what to use instead; null where it may be."
  deprecated: String
  """
  Who asked for it on this engine, in whatever version, by the name of the namespace. A confined session is told of its own project, and of all others where the catalog is its own.
  """
  consumers: [CatalogConsumer!]!
  "Volumes that its consumers have by it, and that hold something; those that \`consumers\` tells."
  volumes: [CacheVolume!]!
  "What these come to."
  usage: DefinitionUsage!
}

"A project that asked for a volume by its definition."
type CatalogConsumer {
  "The present name of the project's namespace."
  namespace: String!
  "The version that it went by, the last time."
  version: Int!
  "When that was: a run or a fork began with it."
  usedAt: DateTime!
  "What it got; null where that is not there any more, and where the caller may not know of it."
  volume: CacheVolume
  "What that holds: content of the layers that its heads name, each counted once. 0 for a consumer that may not have it any more."
  sizeBytes: Bytes!
}

"What the volumes of a definition come to."
type DefinitionUsage {
  "How many projects asked for it."
  consumers: Int!
  "How many volumes they have by it."
  volumes: Int!
  "Content of the layers that the heads of those name, each counted once."
  sizeBytes: Bytes!
  "When a run or a fork last began with it; null: never."
  lastUsedAt: DateTime
}

"What became of a definition between two versions of a catalog."
type DefinitionChange {
  "Of the definition."
  name: String!
  "What became of it."
  kind: DefinitionChangeKind!
  "Whether code that was written for the older version fails with the newer one, or finds another volume."
  breaks: Boolean!
  "For people, one clause for each: \`key pip -> pip3\`."
  what: [String!]!
}

"What became of a definition."
enum DefinitionChangeKind {
  "It is new."
  ADDED
  "It is gone."
  REMOVED
  "It says something else."
  CHANGED
  "It should not be used any more, and says so; nothing else changed."
  DEPRECATED
}

"What a namespace is to offer."
input CatalogInput {
  "For people."
  docs: String
  "No two of one name, and none whose names would be one in code: \`pip-cache\` and \`pip_cache\`."
  definitions: [DefinitionInput!]!
}

"A volume that a namespace is to offer."
input DefinitionInput {
  "Letters, digits and . _ - behind a letter."
  name: String!
  "The tool of that name where it is left out."
  tool: String
  "The name where it is left out."
  key: String
  "Whose volume it is."
  tier: DefinitionTier! = PROJECT
  "As suits the tool where it is left out."
  sharing: CacheSharingMode
  "Added to what the tool says."
  compat: [CompatFieldInput!]
  "For people."
  docs: String
  "Why it should not be used any more, and what to use instead."
  deprecated: String
}

"What came of publishing, or would come of it."
type PublishedCatalog {
  "The present name of the namespace."
  namespace: String!
  "The version that has this content."
  version: Int!
  "What it comes to."
  digest: String!
  "Whether this is a new version; false where the latest one says the same already."
  isNew: Boolean!
  "Since the version before, in the order of the names; all where there was none."
  changes: [DefinitionChange!]!
}

"A version that is gone, or would be."
type RemovedCatalog {
  "The present name of the namespace."
  namespace: String!
  "The one that is gone."
  version: Int!
  "Whether it was there until now."
  wasThere: Boolean!
  "Projects that went by it, the last time that they asked for something."
  consumers: [String!]!
}
`;
