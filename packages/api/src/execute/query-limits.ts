/** Limits of one request. Errors name the limit that was exceeded. */
export const queryLimits = {
  /** Bytes of a request body. A typical one has a few kilobytes. */
  bodyBytes: 262_144,
  /** Tokens of a document. */
  tokens: 10_000,
  /** Nested brackets of all kinds: several times the depth limit. */
  nesting: 100,
  /** Nested fields. Introspection queries of clients need 13. */
  depth: 20,
  /** Estimated fields of an answer. A page of 10,000 entries with all fields has 100,000. */
  cost: 1_000_000,
  /** Actual fields and list items of an answer. */
  fields: 250_000,
} as const;

/** Assumed length of a list without a limit. */
export const assumedItems = 5;

/** Extra cost of fields that read whole layers or list the whole store. */
export const readingCosts: Readonly<Record<string, number>> = {
  'Query.diff': 50_000,
  // A repeated commit reads the history of each volume.
  'Mutation.commit': 10_000,
  'CacheVolume.blame': 10_000,
  'Head.entries': 10_000,
  'Layer.entries': 10_000,
  'Query.namespaces': 2000,
  'Query.leases': 2000,
  'Query.sessions': 2000,
  'Query.catalogs': 2000,
  'Definition.consumers': 2000,
  'Definition.volumes': 2000,
  'Definition.usage': 2000,
  'Query.usage': 2000,
  'Query.volumes': 2000,
  'Namespace.volumes': 2000,
};
