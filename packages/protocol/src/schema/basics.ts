/** What other types are made of, and the engine itself. */
export const basicTypes: string = `
"An instant, ISO 8601 in UTC: 2026-11-26T08:30:00.000Z."
scalar DateTime

"A count of bytes: an integer from 0 to 2^53 - 1."
scalar Bytes

"What can be found again by its id."
interface Node {
  "Opaque; the same for the same thing, in every session and on every engine."
  id: ID!
}

"How a list goes on."
type PageInfo {
  "Whether there is more behind this page."
  hasNextPage: Boolean!
  "What continues behind this page; null where it is empty."
  endCursor: String
}

"The engine that answers."
type Engine {
  "Of cachelane: 1.4.0."
  version: String!
  "Of this schema; it grows when a client of the one before might fail."
  protocolVersion: Int!
  "What this schema's text comes to: 64 hex digits of SHA-256."
  schemaHash: String!
}
`;
