/** Common types and the engine. */
export const basicTypes: string = `
"A date and time, ISO 8601 in UTC: 2026-11-26T08:30:00.000Z."
scalar DateTime

"A number of bytes: an integer from 0 to 2^53 - 1."
scalar Bytes

"An object that can be fetched by its id."
interface Node {
  "Opaque; the same object has the same id in every session and on every engine."
  id: ID!
}

"The position of a page in its list."
type PageInfo {
  "Whether more items follow this page."
  hasNextPage: Boolean!
  "Pass it as \`after\` to get the next page; null for an empty page."
  endCursor: String
}

"The engine that answers."
type Engine {
  "The version of cachelane: 1.4.0."
  version: String!
  "The version of this schema. It increases when older clients might fail."
  protocolVersion: Int!
  "SHA-256 of the schema text, 64 hex digits."
  schemaHash: String!
}
`;
