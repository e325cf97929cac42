/** Limits of one engine, whatever the number of clients. */
export const serverLimits = {
  /** Room for more than a thousand clients. The kernel refuses more. */
  connections: 2048,
  /** Connections waiting to be accepted: a thousand clients may connect at once. */
  backlog: 4096,
  /** Running operations. They share one thread, and each may hold a page of entries. */
  operations: 16,
  /** Operations that wait for their turn. */
  waiting: 4096,
  /** Time after which an operation no longer blocks others. */
  turnMs: 1000,
  /**
   * Queries that may exceed it beside the others. Mutations do not count: they may wait for each other, and connections
   * limit them.
   */
  late: 48,
  /** Bytes of unread requests and answers together. */
  heldBytes: 134_217_728,
  /** Bytes of one answer: several pages of 10,000 entries with all fields. */
  answerBytes: 33_554_432,
  /** Bytes of a request's headers. */
  headerBytes: 16_384,
  /** Time for the headers, from the first byte or the connection. */
  headersMs: 10_000,
  /** Time for a whole request. */
  requestMs: 30_000,
  /** Time for a client to read its answer. */
  answerMs: 60_000,
  /** Interval of the search for idle sessions. */
  sweepMs: 10_000,
  /** Bytes of a refused body that are read and discarded, so that the client can read why. */
  discardedBytes: 4_194_304,
} as const;

export type ServerLimits = { readonly [K in keyof typeof serverLimits]: number };
