/** Catalogs. */
export const catalogTypes: string = `
"One immutable version of the volumes that a namespace offers."
type Catalog {
  "The present name of the namespace that offers it."
  namespace: String!
  "The first version is 1. Different content gets a new version."
  version: Int!
  "Whether this is the latest version."
  isLatest: Boolean!
  "SHA-256 of its normalized content, 64 hex digits."
  digest: String!
  "When this version was published."
  publishedAt: DateTime!
  "Who published it, as a free text."
  publishedBy: String!
  "Documentation; empty if there is none."
  docs: String!
  "Sorted by name."
  definitions: [Definition!]!
  "The definition with this name. E_CATALOG if there is none; the error names similar definitions, or when and why it was removed."
  definition(
    "The published name: \`pip-cache\`."
    name: String!
  ): Definition!
  "All existing versions, newest first."
  versions: [CatalogVersion!]!
  "Changes since an earlier version, sorted by name."
  changes(
    "The default is the previous version. For the first version, everything is new."
    since: Int
  ): [DefinitionChange!]!
  """
  The caller's volume for a definition: its own (tier \`PROJECT\`) or the publisher's (tier \`CATALOG\`). \`warnings\`
  reports a deprecation and what to use instead. The volume's id includes the definition. E_CATALOG if this version
  has no such definition.
  """
  cacheVolume(
    "The definition's name: \`pip-cache\`."
    name: String!
    "For tier \`PROJECT\`: the namespace to use instead of the caller's project. Ignored for tier \`CATALOG\`."
    namespace: String
    "For tier \`PROJECT\`: see \`cacheVolume\` of \`Query\`."
    scope: [String!]
    "Added to the compat fields of the tool and the definition."
    compat: [CompatFieldInput!]
    "The default is the definition's."
    sharing: CacheSharingMode
    "See \`cacheVolume\` of \`Query\`."
    source: SourceInput
    "See \`cacheVolume\` of \`Query\`."
    owner: String
  ): CacheVolume!
}

"A page of catalogs."
type CatalogConnection {
  "The items of the page."
  nodes: [Catalog!]!
  "The position of the page."
  pageInfo: PageInfo!
}

"One version of a catalog, without its content."
type CatalogVersion {
  "The first version is 1."
  version: Int!
  "The digest of its content."
  digest: String!
  "When it was published."
  publishedAt: DateTime!
  "Who published it, as a free text."
  publishedBy: String!
}

"Who owns the volume of a definition."
enum DefinitionTier {
  "Each project has its own volume. Parents share theirs of the same key."
  PROJECT
  "The namespace that offers it has the only volume."
  CATALOG
}

"A volume that a namespace offers."
type Definition {
  "The name that consumers use: \`pip-cache\`."
  name: String!
  "The catalog version that contains it."
  catalog: Catalog!
  "The tool whose rules apply."
  tool: String!
  "The key of the volume."
  key: String!
  "Who owns the volume."
  tier: DefinitionTier!
  "Null: the tool's default."
  sharing: CacheSharingMode
  "Added to the tool's compat fields."
  compat: [CompatField!]!
  "Documentation; empty if there is none."
  docs: String!
  "Why it is deprecated and what to use instead; null if it is not."
  deprecated: String
  """
  Projects that asked this engine for it, in any version, sorted by namespace. A confined session sees only its own
  project, or all if it owns the catalog.
  """
  consumers: [CatalogConsumer!]!
  "Non-empty volumes of the visible \`consumers\`."
  volumes: [CacheVolume!]!
  "The totals of these volumes."
  usage: DefinitionUsage!
}

"A project that asked for a volume by its definition."
type CatalogConsumer {
  "The present name of the project's namespace."
  namespace: String!
  "The version that it used last."
  version: Int!
  "When a run or fork last used it."
  usedAt: DateTime!
  "Its volume; null if it was removed or the caller may not see it."
  volume: CacheVolume
  "Bytes in the layers of its heads, each layer counted once. 0 if it may no longer use the volume."
  sizeBytes: Bytes!
}

"The totals of a definition's volumes."
type DefinitionUsage {
  "The number of projects that asked for it."
  consumers: Int!
  "The number of their volumes."
  volumes: Int!
  "Bytes in the layers of their heads, each layer counted once."
  sizeBytes: Bytes!
  "When a run or fork last used it; null: never."
  lastUsedAt: DateTime
}

"A difference between two versions of a definition."
type DefinitionChange {
  "The definition's name."
  name: String!
  "The kind of change."
  kind: DefinitionChangeKind!
  "Whether code for the older version would fail or get another volume."
  breaks: Boolean!
  "Human-readable changes, one clause each: \`key pip -> pip3\`."
  what: [String!]!
}

"Kinds of changes to a definition."
enum DefinitionChangeKind {
  "Only the newer version has it."
  ADDED
  "Only the older version has it."
  REMOVED
  "Both versions have it, with differences."
  CHANGED
  "It was deprecated without other changes."
  DEPRECATED
}

"The content of a catalog to publish."
input CatalogInput {
  "Documentation."
  docs: String
  "Names must be unique, also after conversion to code: \`pip-cache\` equals \`pip_cache\`."
  definitions: [DefinitionInput!]!
}

"A volume to offer."
input DefinitionInput {
  "A letter, then letters, digits, and the characters . _ -"
  name: String!
  "The default is the tool with the definition's name."
  tool: String
  "The default is the definition's name."
  key: String
  "Who owns the volume."
  tier: DefinitionTier! = PROJECT
  "The default is the tool's."
  sharing: CacheSharingMode
  "Added to the tool's compat fields."
  compat: [CompatFieldInput!]
  "Documentation."
  docs: String
  "Why it is deprecated and what to use instead."
  deprecated: String
}

"The result of publishing, or of a dry run."
type PublishedCatalog {
  "The present name of the namespace."
  namespace: String!
  "The version with this content."
  version: Int!
  "The digest of its content."
  digest: String!
  "Whether the version is new; false if the latest one already had this content."
  isNew: Boolean!
  "Changes since the previous version, sorted by name; everything for the first one."
  changes: [DefinitionChange!]!
}

"The removed version, or the result of a dry run."
type RemovedCatalog {
  "The present name of the namespace."
  namespace: String!
  "The removed version."
  version: Int!
  "Whether it existed before."
  wasThere: Boolean!
  "Projects whose latest request used it."
  consumers: [String!]!
}
`;
