/**
 * Returns the method for a name: `pip-cache`, `Pip_cache` and `pip.cache` become `pipCache`. Empty if the name does
 * not begin with a letter.
 */
export function methodName(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const joined = words.map((word, index) => (index === 0 ? lowered(word) : raised(word))).join('');
  return /^[A-Za-z]/.test(joined) ? joined : '';
}

/** `PIP` becomes `pip`, not `pIP`. */
function lowered(word: string): string {
  return word === word.toUpperCase() ? word.toLowerCase() : word.charAt(0).toLowerCase() + word.slice(1);
}

function raised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Names with a meaning for every object. An object with `then`, for example, would be awaited. */
const taken: ReadonlySet<string> = new Set([
  'then',
  'constructor',
  'prototype',
  'hasOwnProperty',
  'isPrototypeOf',
  'propertyIsEnumerable',
  'toJSON',
  'toLocaleString',
  'toString',
  'valueOf',
]);

export function isFreeMethodName(method: string): boolean {
  return method !== '' && !taken.has(method);
}

/** Names of SDK engines and of top-level schema fields, which would collide with catalogs. Tests of both compare. */
const takenByEngines: ReadonlySet<string> = new Set([
  'address',
  'attach',
  'cacheVolume',
  'catalog',
  'catalogs',
  'close',
  'context',
  'createNamespace',
  'definition',
  'diff',
  'engine',
  'environment',
  'events',
  'grantAll',
  'grants',
  'leases',
  'namespace',
  'namespaces',
  'node',
  'policies',
  'query',
  'run',
  'scope',
  'sessions',
  'usage',
  'volume',
  'volumes',
  'withdrawGrantAll',
  'withNamespace',
  // Names whose catalog type would collide with a schema type.
  'published',
  'removed',
]);

export function isFreeAlias(method: string): boolean {
  return !takenByEngines.has(method);
}

/** Returns the type name of a catalog in generated code and schemas: `MyOrgCatalog`. */
export function catalogTypeName(alias: string): string {
  return `${raised(methodName(alias))}Catalog`;
}
