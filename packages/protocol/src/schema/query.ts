/** What can be asked. */
export const queryType: string = `
"Where and who the calling program is, what the engine holds, and how it came to be there."
type Query {
  "The engine that answers."
  engine: Engine!
  "Where and who the caller is: its namespace, its lane, what it reads, and what decided that."
  context: Context!
  "A namespace by any of its names; null where nobody has created or used it, and where the caller may not know of it."
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
  again gets the same one. Sharing, source and owner are attributes of the request: with others it is the same volume, and \`warnings\` names the request before. It need not hold anything yet.
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
    "What lies below all that is read of it; nothing where it is left out. Another one abandons nothing that was saved."
    source: SourceInput
    """
    Who its files are to belong to where it is shown to a container: \`1000\`, \`1000:1000\`, \`node\`, \`node:node\`. It is checked and told, and nothing else comes of it
    yet: in a fork, a directory on the engine's machine, all files belong to the engine's user.
    """
    owner: String
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
  "What these have of volumes, in the order in which they began: locked lanes, pinned layers, kept directories."
  leases: [Lease!]!
  "How long the caches of a namespace live, and how large they may be; that of the caller's own project where it is left out."
  policies(
    "Any of its names."
    namespace: String
  ): [Policy!]!
  """
  What a namespace offers. E_NOT_FOUND where it offers nothing, and where the caller may not know of it: a confined session may know of what its own project and the namespaces above it offer.
  E_CATALOG for a version that is not there, or is not the one that was locked. What the caller's project has locked is had all the same, as its cachelane.lock has it.
  """
  catalog(
    "Any of its names, or what the person's own configuration, cachelane.yaml (both under \`catalogs\`) or cachelane.lock call it."
    namespace: String!
    "Where it is left out: the one that the caller's project has locked, else the latest."
    version: Int
    "What it has to come to, where somebody locked it."
    digest: String
  ): Catalog!
  "The latest version of each that the caller may know of, in the order of the namespaces."
  catalogs(
    "Only that of this namespace and of those below it."
    under: String
    "How many at most; up to 1000."
    first: Int! = 100
    "Continues behind the page whose \`endCursor\` this is."
    after: String
  ): CatalogConnection!
  "A volume that a namespace offers, and who uses it. Errors as those of \`catalog\`, and of its \`definition\`."
  definition(
    "As that of \`catalog\`."
    namespace: String!
    "As it is published: \`pip-cache\`."
    name: String!
    "As that of \`catalog\`."
    version: Int
  ): Definition!
  "Whatever has this id; null where there is nothing, and where the caller may not know of it."
  node(
    "As a field \`id\` gave it."
    id: ID!
  ): Node
}
`;
