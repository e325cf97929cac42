/** What a client works in. */
export const forkTypes: string = `
"A client of the engine, in its project."
type ClientSession {
  "For the header \`cachelane-session\`. Whoever has it is this client."
  token: String!
  "Where and who its client is."
  context: Context!
  "As it was asked for."
  isConfined: Boolean!
}

"A volume to work in."
input AttachInput {
  "Of a volume."
  volume: ID!
  "Instead of what cachelane.yaml says, or suits the tool."
  sharing: CacheSharingMode
  "What lies below all that is read of it, instead of what cachelane.yaml says. One that cannot be had is an error."
  source: SourceInput
  "\`READ\` saves nothing, \`WRITE_ONLY\` begins with nothing."
  mode: AttachMode! = WRITE
}

"What a fork finds, and whether it saves."
enum AttachMode {
  "What is there is found, and nothing is saved."
  READ
  "What is there is found, and what changes is saved at the commit."
  WRITE
  "The directory is empty at first, and what is put there is saved."
  WRITE_ONLY
}

"Directories that a client works in, until it commits or discards them."
type Fork {
  "Good in the caller's session alone; once the fork has ended, whoever may know of its volumes is told by it what was saved."
  id: ID!
  "The run that what it saves is told to be of."
  run: String!
  "In the order in which they were asked for."
  volumes: [ForkedVolume!]!
}

"One volume of a fork."
type ForkedVolume {
  "The name of the volume."
  key: String!
  "The present name of the namespace."
  namespace: String!
  "Absolute, on the engine's machine."
  directory: String!
  "What makes the tool look there, for the environment of its commands; empty where it has no setting for that."
  environment: [EnvironmentVariable!]!
  "As it is, and not only as it was asked for."
  sharing: CacheSharingMode!
  "The lane that is written."
  lane: String!
  "As those of CacheVolume, told of this request."
  warnings: [String!]!
}

"A variable for a command."
type EnvironmentVariable {
  "Of the variable."
  name: String!
  "What it has to be set to."
  value: String!
}

"A variable of a program."
input EnvironmentVariableInput {
  "Of the variable."
  name: String!
  "What it is set to."
  value: String!
}

"What became of a volume's changes."
type Saved {
  "The name of the volume."
  key: String!
  "Paths that were not there before."
  added: Int!
  "Paths that were there, and are otherwise now."
  changed: Int!
  "Paths that are gone."
  removed: Int!
  "Content of the new layer."
  savedBytes: Bytes!
  "The layer that holds them: its digest; null where nothing was saved."
  layer: String
  "Paths that were united with the work of other runs."
  merged: Int!
  "Paths that two runs decided differently."
  conflicts: [Conflict!]!
  "Why nothing was saved; null where something was, or there was nothing."
  skipped: String
}

"A path that two runs decided differently, and that nothing could unite."
type Conflict {
  "Inside the volume."
  path: String!
  "How it was decided: \`later run kept\`, \`nearest lane kept\`, …"
  resolution: String!
  "Holds the version that does not show; null where it is not known any more."
  layer: String
}
`;
