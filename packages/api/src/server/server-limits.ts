/** What one engine holds at once, so that no number of clients makes it larger than that. */
export const serverLimits = {
  /** More than a thousand clients with a connection each; the kernel refuses what comes beyond. */
  connections: 2048,
  /** Connections that wait to be accepted: a thousand clients may come in one instant. */
  backlog: 4096,
  /** Operations carried out at once: they take turns on one thread, and each may hold a page of entries. */
  operations: 16,
  /** Operations that wait for their turn. */
  waiting: 4096,
  /** How long one of them keeps the others waiting. */
  turnMs: 1000,
  /** Queries that take longer than that, carried out beside the others. Changes may wait for each other, and do little meanwhile: they are as many as there are connections. */
  late: 48,
  /** Bytes of requests and of answers that are not read yet, all together. */
  heldBytes: 134_217_728,
  /** Bytes of one answer: several times a page of 10,000 entries with all that is known of each. */
  answerBytes: 33_554_432,
  /** Of one request. */
  headerBytes: 16_384,
  /** Until the headers of a request are there, counted from its first byte or from the connection. */
  headersMs: 10_000,
  /** Until all of a request is there. */
  requestMs: 30_000,
  /** Until a client has taken what it was told. */
  answerMs: 60_000,
  /** How often sessions that nobody heard of are looked for. */
  sweepMs: 10_000,
  /** How much of a refused request's body is read and thrown away, so that its client gets to read why. */
  discardedBytes: 4_194_304,
} as const;

export type ServerLimits = { readonly [K in keyof typeof serverLimits]: number };
