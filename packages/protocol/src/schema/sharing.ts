/** Grants and feeds. */
export const sharingTypes: string = `
"Kinds of access."
enum GrantAccess {
  "Read the volumes."
  READ
  "Read them, and save to them on the lanes of the grantee's runs, if those have the grant's trust level."
  WRITE
}

"A permission for others to use volumes of a namespace. A grantee cannot pass it on."
type Grant {
  "The owner: the present name of the namespace."
  namespace: String!
  "The volume's name, for any compat; null: all present and future volumes."
  key: String
  "The grantee: \`github.com/acme/api\`, or \`github.com/acme/**\` for it and those below it."
  to: String!
  "The permitted access."
  access: GrantAccess!
  "The trust level that lanes need to save. Reading does not need it."
  trust: TrustLevel!
  "When it was given or last changed."
  at: DateTime!
  "Who gave it."
  by: String!
}

"A rule that saves work of some projects also to a tier: a namespace above them."
type Feed {
  "The tier: the present name of the namespace."
  namespace: String!
  "The projects: \`github.com/acme/web\`, or \`github.com/acme/**\` for it and those below it."
  from: String!
  "The volume's name, for any compat; null: all volumes."
  key: String
  "The lanes of the projects: \`default\` for the default branch's, or a lane's name."
  lanes: String!
  "When the feed was added."
  at: DateTime!
  "Who added it."
  by: String!
}
`;
