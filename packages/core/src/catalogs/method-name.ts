/** `pip-cache`, `Pip_cache` and `pip.cache` are `pipCache`; empty for what begins with no letter. */
export function methodName(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const joined = words.map((word, index) => (index === 0 ? lowered(word) : raised(word))).join('');
  return /^[A-Za-z]/.test(joined) ? joined : '';
}

/** `PIP` is one word, not `pIP`. */
function lowered(word: string): string {
  return word === word.toUpperCase() ? word.toLowerCase() : word.charAt(0).toLowerCase() + word.slice(1);
}

function raised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** What objects of a generated client have already, and what would make of one something else: whoever has `then` is awaited. */
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

/** What an engine of the SDK has, and what its schema has at its top: catalogs are asked for beside it. Tests of both compare. */
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
  // Types of the schema that would be called as that of a catalog.
  'published',
  'removed',
]);

export function isFreeAlias(method: string): boolean {
  return !takenByEngines.has(method);
}

/** The type of a catalog in generated code and in schemas: `MyOrgCatalog`. */
export function catalogTypeName(alias: string): string {
  return `${raised(methodName(alias))}Catalog`;
}
