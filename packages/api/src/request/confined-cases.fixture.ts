import { catalogCases, harmlessInCatalogs } from './confined-catalog-cases.fixture.ts';
import type { Target, TargetIds } from './confined.fixture.ts';

interface Question {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

export type Asking = (target: Target, ids: TargetIds, own: string) => Question;

const byId =
  (field: string, more: Readonly<Record<string, unknown>> = {}): Asking =>
  (_, { volume }) => ({ query: `mutation ($volume: ID!) { ${field} }`, variables: { volume, ...more } });

const about =
  (query: string): Asking =>
  ({ namespace, key }) => ({
    query: `query ($namespace: String, $key: String) ${query}`.replace(/^query (.*?) mutation/, 'mutation $1'),
    variables: { namespace, key },
  });

const node =
  (kind: 'ns' | 'volume' | 'head' | 'layer'): Asking =>
  (_, ids) => ({
    query: 'query ($id: ID!) { node(id: $id) { __typename id } }',
    variables: { id: ids[kind] },
  });

const seeded =
  (field: string): Asking =>
  (_, { volume }, own) => ({
    query: `query ($own: ID!, $text: ID) { node(id: $own) { ... on CacheVolume { ${field} } } }`,
    variables: { own, text: volume },
  });

/** By argument; further cases of one have a suffix. */
export const cases: Readonly<Record<string, Asking>> = {
  ...catalogCases,
  'Query.namespace(path)': ({ namespace }) => ({
    query: 'query ($path: String!) { namespace(path: $path) { id path volumes { nodes { key } } } }',
    variables: { path: namespace },
  }),
  'Query.namespaces(under)': about('{ namespaces(under: $namespace) { nodes { id path } pageInfo { endCursor } } }'),
  'Query.namespaces(after)': ({ namespace }) => ({
    query: 'query ($after: String) { namespaces(after: $after) { nodes { path } } }',
    variables: { after: Buffer.from(namespace).toString('base64url') },
  }),
  'Query.cacheVolume(namespace)': about('{ cacheVolume(namespace: $namespace, key: "npm") { id heads { lane } } }'),
  'Query.cacheVolume(key)': ({ namespace, key }) => ({
    query:
      'query ($key: String!, $namespace: String) { cacheVolume(key: $key, namespace: $namespace) { id heads { lane } } }',
    variables: { key, namespace },
  }),
  'Query.cacheVolume(key) as an address': ({ namespace, key }) => ({
    query: 'query ($key: String!) { cacheVolume(key: $key) { heads { lane } warnings } }',
    variables: { key: `${namespace}:${key}` },
  }),
  'Query.cacheVolume(scope)': ({ namespace, key }) => ({
    query: 'query ($scope: [String!]) { cacheVolume(key: "npm", scope: $scope) { heads { lane } } }',
    variables: { scope: [...namespace.split('/'), key] },
  }),
  'Query.cacheVolume(scope) of another namespace': ({ namespace, key }) => ({
    query: 'query ($in: String, $scope: [String!]) { cacheVolume(key: "npm", namespace: $in, scope: $scope) { id } }',
    variables: { in: namespace, scope: [key] },
  }),
  'Query.cacheVolume(source.volume)': (_, { volume }) => ({
    query: 'query ($id: ID!) { cacheVolume(key: "other", source: { volume: $id }) { source { volume } warnings } }',
    variables: { id: volume },
  }),
  'Query.cacheVolume(source.directory)': ({ namespace }) => ({
    query: 'query ($dir: String!) { cacheVolume(key: "other", source: { directory: $dir }) { source { directory } } }',
    variables: { dir: `/${namespace}` },
  }),
  'Query.volumes(namespace)': about(
    '{ volumes(namespace: $namespace) { nodes { id key sizeBytes } pageInfo { endCursor } } }',
  ),
  'Query.volumes(under)': about('{ volumes(under: $namespace) { nodes { id key } } }'),
  'Query.volumes(key)': about(
    '{ volumes(namespace: $namespace, key: $key) { nodes { id key } } all: volumes(key: $key) { nodes { namespace heads { generation } } } }',
  ),
  'Query.volumes(after)': ({ namespace, key }) => ({
    query: 'query ($after: String) { volumes(after: $after) { nodes { id } } }',
    variables: { after: Buffer.from(`${namespace} ${key}`).toString('base64url') },
  }),
  'Query.diff(before.volume)': (_, { volume }, own) => ({
    query: 'query ($a: ID!, $b: ID!) { diff(before: { volume: $a }, after: { volume: $b }) { added paths { path } } }',
    variables: { a: volume, b: own },
  }),
  'Query.diff(after.volume)': (_, { volume }, own) => ({
    query: 'query ($a: ID!, $b: ID!) { diff(before: { volume: $b }, after: { volume: $a }) { added paths { path } } }',
    variables: { a: volume, b: own },
  }),
  'Query.policies(namespace)': about('{ policies(namespace: $namespace) { key value source } }'),
  'Query.node(id)': node('ns'),
  'Query.node(id) of a volume': node('volume'),
  'Query.node(id) of a head': node('head'),
  'Query.node(id) of a layer': node('layer'),
  'Query.node(id) of a layer, and its entries': (_, { layer }) => ({
    query: 'query ($id: ID!) { node(id: $id) { ... on Layer { run { id } entries { nodes { path } } } } }',
    variables: { id: layer },
  }),
  'CacheVolume.blame(source.volume)': seeded('blame(path: "a", source: { volume: $text }) { isSeed layer }'),
  'CacheVolume.explain(source.volume)': seeded('explain(source: { volume: $text }) { why }'),
  'CacheVolume.blame(source.directory)': ({ namespace }, _, own) => ({
    query:
      'query ($own: ID!, $dir: String) { node(id: $own) { ... on CacheVolume { blame(path: "a", source: { directory: $dir }) { layer } } } }',
    variables: { own, dir: `/${namespace}` },
  }),
  'CacheVolume.explain(source.directory)': ({ namespace }, _, own) => ({
    query:
      'query ($own: ID!, $dir: String) { node(id: $own) { ... on CacheVolume { explain(source: { directory: $dir }) { why } } } }',
    variables: { own, dir: `/${namespace}` },
  }),
  'Mutation.openSession(namespace)': about(' mutation { openSession(namespace: $namespace) { token } }'),
  'Mutation.openSession(directory)': ({ namespace }) => ({
    query: 'mutation ($dir: String) { openSession(directory: $dir) { token } }',
    variables: { dir: `/${namespace.split('/').at(-1)}` },
  }),
  'Mutation.attach(volumes.volume)': byId('attach(volumes: [{ volume: $volume }]) { id }'),
  'Mutation.attach(volumes.volume) to read': byId('attach(volumes: [{ volume: $volume, mode: READ }]) { id }'),
  'Mutation.attach(volumes.volume) beside its own': (_, { volume }, own) => ({
    query: 'mutation ($own: ID!, $volume: ID!) { attach(volumes: [{ volume: $own }, { volume: $volume }]) { id } }',
    variables: { own, volume },
  }),
  'Mutation.attach(volumes.source.volume)': (_, { volume }, own) => ({
    query:
      'mutation ($own: ID!, $volume: ID!) { attach(volumes: [{ volume: $own, source: { volume: $volume } }]) { id } }',
    variables: { own, volume },
  }),
  'Mutation.attach(volumes.source.directory)': ({ namespace }, _, own) => ({
    query:
      'mutation ($own: ID!, $dir: String) { attach(volumes: [{ volume: $own, source: { directory: $dir } }]) { id } }',
    variables: { own, dir: `/${namespace}` },
  }),
  'Mutation.commit(fork)': (_, { fork }) => ({
    query: 'mutation ($fork: ID!) { commit(fork: $fork) { key layer skipped } }',
    variables: { fork },
  }),
  'Mutation.commit(fork) of another session': (_, { ownFork }) => ({
    query: 'mutation ($fork: ID!) { commit(fork: $fork) { key layer skipped } }',
    variables: { fork: ownFork },
  }),
  'Mutation.discard(fork)': (_, { fork }) => ({
    query: 'mutation ($fork: ID!) { discard(fork: $fork) }',
    variables: { fork },
  }),
  'Mutation.rollback(volume)': byId('rollback(volume: $volume, dryRun: true) { lane }'),
  'Mutation.remove(volume)': byId('remove(volume: $volume) { lane layers }'),
  'Mutation.prune(volume)': byId('prune(volume: $volume) { command }'),
  'Mutation.setPolicy(namespace)': about(
    ' mutation { setPolicy(namespace: $namespace, key: "keep-pr", value: "1d") { key } }',
  ),
  'Mutation.createNamespace(path)': ({ namespace }) => ({
    query: 'mutation ($path: String!) { createNamespace(path: $path, dryRun: true) { isNew } }',
    variables: { path: namespace },
  }),
  'Mutation.renameNamespace(from)': ({ namespace }) => ({
    query: 'mutation ($from: String!) { renameNamespace(from: $from, to: "teams/x", dryRun: true) { volumes } }',
    variables: { from: namespace },
  }),
  'Mutation.renameNamespace(to)': ({ namespace }) => ({
    query:
      'mutation ($to: String!) { renameNamespace(from: "github.com/acme/web", to: $to, dryRun: true) { volumes } }',
    variables: { to: namespace },
  }),
  'Mutation.adopt(from)': ({ namespace }) => ({
    query: 'mutation ($from: String!) { adopt(from: $from, dryRun: true) { volumes } }',
    variables: { from: namespace },
  }),
  'Mutation.grant(namespace)': about(
    ' mutation { grant(namespace: $namespace, key: "npm", to: "github.com/acme/web") { by } }',
  ),
  'Mutation.grant(to)': ({ namespace }) => ({
    query: 'mutation ($to: String!) { grant(key: "npm", to: $to, dryRun: true) { key to access } }',
    variables: { to: namespace },
  }),
  'Mutation.grant(key)': ({ key }) => ({
    query: 'mutation ($key: String) { grant(key: $key, to: "teams/x", dryRun: true) { key to } }',
    variables: { key },
  }),
  'Mutation.withdrawGrant(namespace)': about(
    ' mutation { withdrawGrant(namespace: $namespace, key: $key, to: "github.com/acme/web") { by } }',
  ),
  'Mutation.withdrawGrant(to)': ({ namespace }) => ({
    query: 'mutation ($to: String!) { withdrawGrant(key: "npm", to: $to) { by } }',
    variables: { to: namespace },
  }),
  'Mutation.withdrawGrant(key)': ({ key }) => ({
    query: 'mutation ($key: String) { withdrawGrant(key: $key, to: "teams/x") { key } }',
    variables: { key },
  }),
  'Mutation.addFeed(namespace)': about(
    ' mutation { addFeed(namespace: $namespace, from: "github.com/acme/web") { by } }',
  ),
  'Mutation.addFeed(from)': ({ namespace }) => ({
    query: 'mutation ($from: String!) { addFeed(from: $from, dryRun: true) { from } }',
    variables: { from: namespace },
  }),
  'Mutation.addFeed(key)': ({ key }) => ({
    query: 'mutation ($key: String) { addFeed(from: "teams/x", key: $key, dryRun: true) { key } }',
    variables: { key },
  }),
  'Mutation.removeFeed(namespace)': about(
    ' mutation { removeFeed(namespace: $namespace, from: "github.com/acme/web") { by } }',
  ),
  'Mutation.removeFeed(from)': ({ namespace }) => ({
    query: 'mutation ($from: String!) { removeFeed(from: $from) { from } }',
    variables: { from: namespace },
  }),
  'Mutation.removeFeed(key)': ({ key }) => ({
    query: 'mutation ($key: String) { removeFeed(from: "teams/x", key: $key) { key } }',
    variables: { key },
  }),
};

/** Arguments that cannot name another project's objects, with the reason. */
export const harmless: Readonly<Record<string, string>> = {
  ...harmlessInCatalogs,
  'Query.cacheVolume(compat.name)': 'the volume is requested by namespace and key',
  'Query.cacheVolume(compat.value)': 'the volume is requested by namespace and key',
  'Query.cacheVolume(owner)': 'a user of a container',
  'Query.diff(before.lane)': 'the volume is requested by id',
  'Query.diff(after.lane)': 'the volume is requested by id',
  'CacheVolume.head(lane)': 'the volume is requested by id',
  'CacheVolume.blame(lane)': 'the volume is requested by id',
  'Mutation.remove(lane)': 'the volume is requested by id',
  'CacheVolume.blame(path)': 'a path inside a found object',
  'Head.entries(under)': 'a path inside a found object',
  'Layer.entries(under)': 'a path inside a found object',
  'Head.entries(after)': 'a path inside a found object',
  'Layer.entries(after)': 'a path inside a found object',
  'Namespace.volumes(after)': 'a position in a found list',
  'Mutation.openSession(environment.name)': 'a confined session cannot open sessions',
  'Mutation.openSession(environment.value)': 'a confined session cannot open sessions',
  'Mutation.attach(key)': "the caller's idempotency key",
  'Mutation.rollback(key)': "the caller's idempotency key",
  'Mutation.prune(key)': "the caller's idempotency key",
  'Mutation.setPolicy(key)': 'a key from a public list',
  'Mutation.setPolicy(value)': 'a time or a size',
  'Mutation.addFeed(lanes)': 'a lane of the feeding project',
  'Mutation.removeFeed(lanes)': 'a lane of the feeding project',
};
