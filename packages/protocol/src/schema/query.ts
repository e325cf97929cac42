/** The queries. */
export const queryType: string = `
"The caller's context, the content of the engine's store, and its history."
type Query {
  "The engine that answers."
  engine: Engine!
  "The caller's namespace and lanes, and how they were decided."
  context: Context!
  "A namespace by any of its names; null if it does not exist or the caller may not see it."
  namespace(
    "Any of its names."
    path: String!
  ): Namespace
  "Namespaces, sorted by name."
  namespaces(
    "Only this namespace and those below it: \`github.com/acme\` includes \`github.com/acme/web\`."
    under: String
    "Page size, at most 1000."
    first: Int! = 100
    "The \`endCursor\` of the previous page."
    after: String
  ): NamespaceConnection!
  """
  A volume by its key. Namespace, key and compat identify it, so each project has its own. Sharing, source and owner
  belong to the request: other values give the same volume, and \`warnings\` names the earlier request. The volume may
  be empty.
  """
  cacheVolume(
    "A tool's name (\`npm\`, \`go-build\`), a volume of cachelane.yaml, or any text."
    key: String!
    "The default is the caller's own project."
    namespace: String
    """
    Names below that namespace, outermost first, for a library's own volumes in each project (\`["npm",
    "@acme/build"]\`). Any text; it is escaped where needed.
    """
    scope: [String!]
    "Added to the tool's compat fields."
    compat: [CompatFieldInput!]
    "Who may use it at once. The default is the tool's."
    sharing: CacheSharingMode
    "The seed below its layers; none by default. Changing the seed keeps saved layers."
    source: SourceInput
    """
    The owner of its files in a container: \`1000\`, \`1000:1000\`, \`node\`, \`node:node\`. It is validated and
    returned, but has no effect yet: in a fork, all files belong to the engine's user.
    """
    owner: String
  ): CacheVolume!
  "Non-empty volumes, sorted by namespace, key and compat."
  volumes(
    "Only volumes of this namespace."
    namespace: String
    "Only volumes of this namespace and those below it."
    under: String
    "Only volumes with this key."
    key: String
    "Page size, at most 1000."
    first: Int! = 100
    "The \`endCursor\` of the previous page."
    after: String
  ): CacheVolumeConnection!
  "Compares two states of volumes as readers see them. Sorted by path."
  diff(
    "The first state."
    before: StateInput!
    "The second state."
    after: StateInput!
    "Page size, at most 10000."
    first: Int! = 1000
  ): Difference!
  "Used space, sorted by namespace and lane."
  usage(
    "How to group the rows."
    by: UsageGroup! = NAMESPACE
  ): [Usage!]!
  "Sessions that are running now."
  sessions: [Session!]!
  "Their leases, oldest session first: locked lanes, pinned layers, kept directories."
  leases: [Lease!]!
  "The policies of a namespace. The default is the caller's own project."
  policies(
    "Any of its names."
    namespace: String
  ): [Policy!]!
  """
  A namespace's catalog. E_NOT_FOUND if it has none or the caller may not see it: a confined session sees the catalogs
  of its own project and of the namespaces above. E_CATALOG for a version that does not exist or differs from the
  locked one. Content that the caller's project has locked is always available.
  """
  catalog(
    "Any of its names, or its alias in the user's configuration, cachelane.yaml (both under \`catalogs\`) or cachelane.lock."
    namespace: String!
    "The default is the version that the caller's project has locked, else the latest."
    version: Int
    "The expected digest, if it was locked."
    digest: String
  ): Catalog!
  "The latest version of each visible catalog, sorted by namespace."
  catalogs(
    "Only catalogs of this namespace and those below it."
    under: String
    "Page size, at most 1000."
    first: Int! = 100
    "The \`endCursor\` of the previous page."
    after: String
  ): CatalogConnection!
  "A volume that a namespace offers, and its consumers. Errors: see \`catalog\` and its \`definition\`."
  definition(
    "See \`catalog\`."
    namespace: String!
    "The published name: \`pip-cache\`."
    name: String!
    "See \`catalog\`."
    version: Int
  ): Definition!
  "The object with this id; null if it does not exist or the caller may not see it."
  node(
    "From a field \`id\`."
    id: ID!
  ): Node
}
`;
