import { parseNamespace, parseVolumeName } from '@cachelane/core';
import type { Asking } from './confined-cases.fixture.ts';
import { formatNodeId } from '../values/node-id.ts';

/** About the catalog of `github.com/acme`, which a project below it may know. */
const offered =
  (selection: string, from: 'namespace' | 'key'): Asking =>
  (target) => ({
    query: `query ($text: String!) { catalog(namespace: "github.com/acme") { ${selection} } }`,
    variables: { text: target[from] },
  });

const ofTarget =
  (query: string): Asking =>
  ({ namespace, key }) => ({
    query: query.includes('$key')
      ? `query ($namespace: String!, $key: String!) ${query}`
      : `query ($namespace: String!) ${query}`,
    variables: query.includes('$key') ? { namespace, key } : { namespace },
  });

const changing =
  (field: string): Asking =>
  ({ namespace }) => ({
    query: `mutation ($namespace: String!) { ${field} }`,
    variables: { namespace },
  });

const own = '{ name: "npm-cache", tool: "npm" }';

export const catalogCases: Readonly<Record<string, Asking>> = {
  'Query.catalog(namespace)': ofTarget('{ catalog(namespace: $namespace) { version definitions { name } } }'),
  'Query.catalog(namespace) in one version': ofTarget('{ catalog(namespace: $namespace, version: 1) { version } }'),
  'Query.catalog(namespace) in a missing version': ofTarget(
    '{ catalog(namespace: $namespace, version: 9) { version } }',
  ),
  'Query.catalogs(under)': ofTarget('{ catalogs(under: $namespace) { nodes { namespace } pageInfo { endCursor } } }'),
  'Query.catalogs(after)': ({ namespace }) => ({
    query: 'query ($after: String) { catalogs(after: $after) { nodes { namespace } } }',
    variables: { after: Buffer.from(namespace).toString('base64url') },
  }),
  'Query.definition(namespace)': ofTarget(
    '{ definition(namespace: $namespace, name: "npm-cache") { consumers { namespace } } }',
  ),
  'Query.definition(name)': ofTarget('{ definition(namespace: $namespace, name: $key) { name } }'),
  'Catalog.definition(name)': offered('definition(name: $text) { name }', 'key'),
  'Catalog.cacheVolume(name)': offered('cacheVolume(name: $text) { id }', 'key'),
  'Catalog.cacheVolume(name) of theirs': ofTarget(
    '{ catalog(namespace: $namespace) { cacheVolume(name: $key) { id } } }',
  ),
  'Catalog.cacheVolume(namespace)': offered(
    'cacheVolume(name: "npm", namespace: $text) { id heads { lane } warnings }',
    'namespace',
  ),
  'Catalog.cacheVolume(scope)': ({ namespace }) => ({
    query:
      'query ($scope: [String!]) { catalog(namespace: "github.com/acme") { cacheVolume(name: "npm", scope: $scope) { heads { lane } } } }',
    variables: { scope: namespace.split('/') },
  }),
  'Catalog.cacheVolume(source.volume)': (_, { volume }) => ({
    query:
      'query ($id: ID!) { catalog(namespace: "github.com/acme") { cacheVolume(name: "npm", source: { volume: $id }) { source { volume } } } }',
    variables: { id: volume },
  }),
  'Catalog.cacheVolume(source.directory)': ({ namespace }) => ({
    query:
      'query ($dir: String!) { catalog(namespace: "github.com/acme") { cacheVolume(name: "npm", source: { directory: $dir }) { source { directory } } } }',
    variables: { dir: `/${namespace}` },
  }),
  'Query.node(id) by a definition of theirs': ({ namespace, compat }) => ({
    query: 'query ($id: ID!) { node(id: $id) { ... on CacheVolume { tool warnings } } }',
    variables: {
      id: formatNodeId({
        kind: 'volume',
        namespace: parseNamespace('github.com/acme/web'),
        key: parseVolumeName('npm'),
        compat,
        definition: { namespace: parseNamespace(namespace), name: 'npm', version: 1 },
      }),
    },
  }),
  'Mutation.publishCatalog(namespace)': changing(
    `publishCatalog(namespace: $namespace, content: { definitions: [${own}] }) { version }`,
  ),
  'Mutation.removeCatalog(namespace)': changing('removeCatalog(namespace: $namespace, version: 1) { wasThere }'),
};

const said = "its own project's catalog";
const compat = 'the volume is requested by its definition';

export const harmlessInCatalogs: Readonly<Record<string, string>> = {
  'Query.catalog(digest)': 'the catalog is requested by namespace',
  'Catalog.cacheVolume(compat.name)': compat,
  'Catalog.cacheVolume(compat.value)': compat,
  'Catalog.cacheVolume(owner)': 'a user of a container',
  'Mutation.publishCatalog(content.docs)': said,
  'Mutation.publishCatalog(content.definitions.name)': said,
  'Mutation.publishCatalog(content.definitions.tool)': said,
  'Mutation.publishCatalog(content.definitions.key)': said,
  'Mutation.publishCatalog(content.definitions.docs)': said,
  'Mutation.publishCatalog(content.definitions.deprecated)': said,
  'Mutation.publishCatalog(content.definitions.compat.name)': said,
  'Mutation.publishCatalog(content.definitions.compat.value)': said,
};
