/** What namespaces share with each other. */
export const sharingTypes: string = `
"What those whom a grant is for may do with the volumes."
enum GrantAccess {
  "Find what is in them."
  READ
  "Save to them as well, on the lane that their own runs write, where that is of the level which the grant names."
  WRITE
}

"That others may use volumes of a namespace. Nobody who was granted something can pass it on."
type Grant {
  "Whose volumes they are: the present name of the namespace."
  namespace: String!
  "The volume's name, whatever its compat; null: all that there are, now and later."
  key: String
  "Whom it is for: \`github.com/acme/api\`, or \`github.com/acme/**\` for that one and those below it."
  to: String!
  "What they may do."
  access: GrantAccess!
  "The level of the lanes that may save, and no other may; it says nothing of reading."
  trust: TrustLevel!
  "When it was given, or changed last."
  at: DateTime!
  "Who gave it."
  by: String!
}

"That what runs of some projects save goes to a tier as well: to a namespace that they have above them."
type Feed {
  "The tier: the present name of the namespace."
  namespace: String!
  "The projects: \`github.com/acme/web\`, or \`github.com/acme/**\` for that one and those below it."
  from: String!
  "The volume's name, whatever its compat; null: all that they save."
  key: String
  "Which lanes of the projects: \`default\` for that of the default branch, or one by its name."
  lanes: String!
  "When the rule was made."
  at: DateTime!
  "Who made it."
  by: String!
}
`;
