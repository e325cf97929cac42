/** What one request may ask for. Each is named in the error of whoever asks for more. */
export const queryLimits = {
  /** Bytes of a request's body: a document with its variables is some kilobytes. */
  bodyBytes: 262_144,
  /** Words and signs of a document: what it takes to parse it. */
  tokens: 10_000,
  /** Brackets of all kinds inside brackets: several times what the depth below can come to. */
  nesting: 100,
  /** Fields inside fields. The introspection that clients send has 13. */
  depth: 20,
  /** Fields that an answer may come to, as far as can be told before: a page of 10,000 entries with all that is known of each has 100,000. */
  cost: 1_000_000,
  /** Fields, and items of lists, that an answer comes to in fact. */
  fields: 250_000,
} as const;

/** What a list counts for that says nowhere how long it may be. */
export const assumedItems = 5;

/** What a field costs beside its answer: it reads whole layers, or all that the store lists, for however little of it. */
export const readingCosts: Readonly<Record<string, number>> = {
  'Query.diff': 50_000,
  // Asked again it reads the history of each volume, and what its run met there.
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
