/** Where and who the caller is. */
export const contextTypes: string = `
"Where and who a program is."
type Context {
  "What scopes the names of its volumes: \`github.com/acme/web\`."
  namespace: String!
  "The lane that it writes: \`t1:ref:main\`."
  lane: String!
  "The level of that lane, T0 (untrusted) to T3 (release)."
  trust: TrustLevel!
  "Whether what it saves is kept."
  canWrite: Boolean!
  "Why this lane, and whether it may write: one clause."
  why: String!
  "The lanes that it reads, nearest first; the first is its own."
  readChain: [ChainLink!]!
  "What the files of the project, or the environment of the program, say and does not count, one sentence each: such as another remote than the engine has."
  warnings: [String!]!
  "What decided all that."
  inputs: [ContextInput!]!
}

"How far whoever writes a lane is trusted."
enum TrustLevel {
  "Nobody vouches for it: a pull request from a fork."
  T0
  "A branch or pull request of the repository itself, a person's own machine."
  T1
  "A protected branch."
  T2
  "A release."
  T3
}

"A lane of a namespace, as a read chain lists it."
type ChainLink {
  "The present name of the namespace."
  namespace: String!
  "The name of the lane."
  lane: String!
}

"One input that decided something of a context."
type ContextInput {
  "What it decided: \`namespace\`, \`lane\`, \`base\`, \`trust\`."
  name: String!
  "What it says."
  value: String!
  "Where it came from: \`--namespace\`, \`cachelane.yaml:2\`, \`GITHUB_REF in the environment\`."
  source: String!
}
`;
