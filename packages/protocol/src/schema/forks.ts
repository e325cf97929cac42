/** Client sessions and forks. */
export const forkTypes: string = `
"A client of the engine, in its project."
type ClientSession {
  "Send it in the header \`cachelane-session\`. Everyone who has it is this client."
  token: String!
  "The client's namespace and lanes."
  context: Context!
  "As requested."
  isConfined: Boolean!
}

"A volume to attach."
input AttachInput {
  "The volume's id."
  volume: ID!
  "Overrides cachelane.yaml and the tool's default."
  sharing: CacheSharingMode
  "The seed below its layers; overrides cachelane.yaml. It is an error if the seed is not available."
  source: SourceInput
  "\`READ\` saves nothing; \`WRITE_ONLY\` starts empty."
  mode: AttachMode! = WRITE
}

"Whether a fork starts with the volume's content, and whether it saves."
enum AttachMode {
  "Starts with the content and saves nothing."
  READ
  "Starts with the content and saves changes at the commit."
  WRITE
  "Starts empty and saves what is put there."
  WRITE_ONLY
}

"Directories for a client's work until it commits or discards them."
type Fork {
  "Valid in the caller's session. After the fork has ended, clients that may see its volumes can use it to ask what was saved."
  id: ID!
  "The run that its saved work is recorded under."
  run: String!
  "In the requested order."
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
  "Variables that point the tool to the directory; empty if it has no such setting."
  environment: [EnvironmentVariable!]!
  "The actual sharing mode, which may differ from the requested one."
  sharing: CacheSharingMode!
  "The lane that it writes."
  lane: String!
  "Warnings about this request, as in CacheVolume."
  warnings: [String!]!
}

"A variable for a command."
type EnvironmentVariable {
  "The variable's name."
  name: String!
  "The value to set."
  value: String!
}

"A variable of a program."
input EnvironmentVariableInput {
  "The variable's name."
  name: String!
  "Its value."
  value: String!
}

"What was saved of a volume."
type Saved {
  "The name of the volume."
  key: String!
  "Number of new paths."
  added: Int!
  "Number of changed paths."
  changed: Int!
  "Number of removed paths."
  removed: Int!
  "Bytes in the new layer."
  savedBytes: Bytes!
  "The digest of the new layer; null if nothing was saved."
  layer: String
  "Number of paths merged with the work of other runs."
  merged: Int!
  "Paths that two runs changed differently."
  conflicts: [Conflict!]!
  "Why nothing was saved; null if something was or nothing had changed."
  skipped: String
}

"A path that two runs changed differently and that could not be merged."
type Conflict {
  "Relative to the volume."
  path: String!
  "How it was resolved: \`later run kept\`, \`nearest lane kept\`, …"
  resolution: String!
  "The layer with the hidden version; null if it is no longer known."
  layer: String
}
`;
