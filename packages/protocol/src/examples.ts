/** An example for docs/reference/api.md, executed by tests. */
export interface Example {
  readonly query: string;
  /** Variables that hold the ids of volumes with these names. */
  readonly volumes?: Readonly<Record<string, string>>;
}

const ofNpm = (selection: string): Example => ({ query: `{ cacheVolume(key: "npm") { ${selection} } }` });
const changing = (field: string): Example => ({
  query: `mutation ($npm: ID!) { ${field} }`,
  volumes: { npm: 'npm' },
});

const offered = (selection: string): Example => ({
  query: `{ catalog(namespace: "github.com/acme") { ${selection} } }`,
});
const offer = (field: string, selection: string): Example => ({
  query: `{ definition(namespace: "github.com/acme", name: "npm-cache") { ${field} { ${selection} } } }`,
});

/** Examples by name of the output type. */
export const examples: Readonly<Record<string, Example>> = {
  Query: { query: '{ context { namespace lane } cacheVolume(key: "npm") { id namespace } }' },
  Node: {
    query: 'query ($npm: ID!) { node(id: $npm) { id ... on CacheVolume { key namespace } } }',
    volumes: { npm: 'npm' },
  },
  Engine: { query: '{ engine { version protocolVersion schemaHash } }' },
  Context: { query: '{ context { namespace lane trust canWrite why } }' },
  ChainLink: { query: '{ context { readChain { namespace lane } } }' },
  ContextInput: { query: '{ context { inputs { name value source } } }' },
  Namespace: { query: '{ namespace(path: "github.com/acme/web") { id path aliases createdAt } }' },
  NamespaceConnection: {
    query: '{ namespaces(under: "github.com/acme", first: 10) { nodes { path } pageInfo { hasNextPage endCursor } } }',
  },
  PageInfo: { query: '{ volumes(first: 1) { nodes { key } pageInfo { hasNextPage endCursor } } }' },
  Grant: {
    query:
      'mutation { grant(key: "npm", to: "github.com/acme/api", access: READ) { namespace key to access trust at by } }',
  },
  Feed: {
    query:
      'mutation { addFeed(namespace: "github.com/acme", from: "github.com/acme/**", key: "npm") { namespace from key lanes at by } }',
  },
  Policy: { query: '{ policies { key value source meaning } }' },
  Usage: { query: '{ usage(by: LANE) { namespace lane volumes heads sizeBytes uniqueBytes } }' },
  Session: { query: '{ sessions { id namespace lane run { id } openedAt paths isAlive } }' },
  Lease: { query: '{ leases { kind namespace key lane layers path session run since isAlive } }' },
  CacheVolume: ofNpm(
    'id key namespace compat { name value } tool sharing owner sizeBytes heads { lane generation } warnings',
  ),
  VolumeSource: {
    query:
      'query ($npm: ID!) { cacheVolume(key: "npm-next", source: { volume: $npm }) { source { directory volume } warnings } }',
    volumes: { npm: 'npm' },
  },
  CacheVolumeConnection: {
    query: '{ volumes(key: "npm") { nodes { namespace key sizeBytes } pageInfo { endCursor } } }',
  },
  CompatField: ofNpm('compat { name value }'),
  Provider: ofNpm('provider { reference chosenBy kind volume { id namespace key } problem }'),
  Explanation: ofNpm(
    'explain { why path pathSource mounter mounterWhy chosenBy seed keptFor keptBy provider providerBy gives definition remote lowLevelId }',
  ),
  ExplainedLink: ofNpm('explain { readChain { namespace lane generation layers files sizeBytes updatedAt } }'),
  ExplainedTier: ofNpm('explain { tiers { namespace by lane isRead why layers files sizeBytes isFed feeding } }'),
  Head: ofNpm('head { id lane generation updatedAt files sizeBytes volume { key } }'),
  Snapshot: ofNpm(
    'head { snapshots(first: 5) { generation at layer layers added changed removed sizeBytes run { id } } }',
  ),
  Layer: ofNpm('head { layers { id digest sealedAt added changed removed files sizeBytes } }'),
  Entry: ofNpm(
    'head { entries(under: "_cacache/index-v5", first: 100) { nodes { path type mode sizeBytes digest modifiedAt mergeClass removed origins } } }',
  ),
  EntryConnection: ofNpm('head { entries(first: 1000) { nodes { path } pageInfo { hasNextPage endCursor } } }'),
  Run: ofNpm('head { run { id lane startedAt revision workflow } }'),
  Blamed: ofNpm(
    'blame(path: "_cacache/index-v5/ab") { isSeen isSeed layer lane entry { path digest } runs { id revision workflow } }',
  ),
  Difference: {
    query: `query ($npm: ID!) {
  diff(before: { volume: $npm, generation: 1 }, after: { volume: $npm }, first: 10) { added changed removed isCut paths { path kind } }
}`,
    volumes: { npm: 'npm' },
  },
  PathDifference: {
    query:
      'query ($npm: ID!) { diff(before: { volume: $npm, generation: 1 }, after: { volume: $npm }) { paths { path kind } } }',
    volumes: { npm: 'npm' },
  },
  Mutation: { query: 'mutation { setPolicy(key: "keep-branch", value: "7d") { key value source } }' },
  ClientSession: {
    query:
      'mutation { openSession(directory: "/home/ann/src/api", namespace: "github.com/acme/api", confine: true) { token isConfined context { namespace } } }',
  },
  RolledBack: changing('rollback(volume: $npm, key: "before the release") { lane from to generation keptOnTop }'),
  Removed: changing('remove(volume: $npm, dryRun: true) { lane generation layers sizeBytes }'),
  Pruned: changing('prune(volume: $npm, dryRun: true) { command saved { removed } }'),
  CreatedNamespace: {
    query: 'mutation { createNamespace(path: "teams/payments", dryRun: true) { namespace isNew } }',
  },
  Renamed: {
    query:
      'mutation { renameNamespace(from: "github.com/acme/web", to: "teams/site", dryRun: true) { namespace volumes } }',
  },
  Fork: changing(
    'attach(volumes: [{ volume: $npm }]) { id run volumes { key namespace directory sharing lane environment { name value } } }',
  ),
  ForkedVolume: changing('attach(volumes: [{ volume: $npm, mode: READ }]) { id volumes { directory lane } }'),
  EnvironmentVariable: changing('attach(volumes: [{ volume: $npm }]) { id volumes { environment { name value } } }'),
  Saved: {
    query:
      'mutation ($fork: ID!) { commit(fork: $fork) { key added changed removed savedBytes layer merged skipped } }',
  },
  Conflict: { query: 'mutation ($fork: ID!) { commit(fork: $fork) { key conflicts { path resolution layer } } }' },
  Subscription: { query: 'subscription { events { at type volume message } }' },
  Event: { query: 'subscription { events { at type volume message code hint done total saved { key layer } } }' },
  Catalog: offered(
    'namespace version isLatest digest publishedAt publishedBy docs cacheVolume(name: "npm-cache") { id key warnings }',
  ),
  CatalogConnection: {
    query: '{ catalogs(under: "github.com/acme", first: 10) { nodes { namespace version } pageInfo { endCursor } } }',
  },
  CatalogVersion: offered('versions { version digest publishedAt publishedBy }'),
  Definition: {
    query: `{
  definition(namespace: "github.com/acme", name: "npm-cache") {
    name tool key tier sharing compat { name value } docs deprecated catalog { version } volumes { namespace key }
  }
}`,
  },
  CatalogConsumer: offer('consumers', 'namespace version usedAt sizeBytes volume { key }'),
  DefinitionUsage: offer('usage', 'consumers volumes sizeBytes lastUsedAt'),
  DefinitionChange: offered('changes { name kind breaks what }'),
  PublishedCatalog: {
    query: `mutation {
  publishCatalog(
    namespace: "github.com/acme"
    content: { docs: "What we offer.", definitions: [{ name: "npm-cache", tool: "npm", docs: "Packages." }] }
    dryRun: true
  ) { namespace version digest isNew changes { name kind breaks } }
}`,
  },
  RemovedCatalog: {
    query:
      'mutation { removeCatalog(namespace: "github.com/acme", version: 1, dryRun: true) { namespace version wasThere consumers } }',
  },
};
