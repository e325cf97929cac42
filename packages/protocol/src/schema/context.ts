/** The caller's context. */
export const contextTypes: string = `
"The caller's namespace and lanes."
type Context {
  "The namespace of its volumes: \`github.com/acme/web\`."
  namespace: String!
  "The lane that it writes: \`t1:ref:main\`."
  lane: String!
  "The trust level of that lane, T0 (untrusted) to T3 (release)."
  trust: TrustLevel!
  "Whether saved work is kept."
  canWrite: Boolean!
  "Why it has this lane and may or may not write, as one clause."
  why: String!
  "The lanes that it reads, nearest first. The first one is its own."
  readChain: [ChainLink!]!
  "Ignored settings of the project's files or the program's environment, one sentence each, such as a remote that the engine does not use."
  warnings: [String!]!
  "The inputs that decided the context."
  inputs: [ContextInput!]!
}

"How far the authors of a lane are trusted."
enum TrustLevel {
  "Not vouched for: a pull request from a fork."
  T0
  "A branch or pull request of the repository itself, or a developer's machine."
  T1
  "A protected branch."
  T2
  "A release."
  T3
}

"A lane of a namespace in a read chain."
type ChainLink {
  "The present name of the namespace."
  namespace: String!
  "The name of the lane."
  lane: String!
}

"One input of a context."
type ContextInput {
  "What it decided: \`namespace\`, \`lane\`, \`base\`, \`trust\`."
  name: String!
  "Its value."
  value: String!
  "Where it comes from: \`--namespace\`, \`cachelane.yaml:2\`, \`GITHUB_REF in the environment\`."
  source: String!
}
`;
