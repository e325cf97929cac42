/** The mutations and their results. */
export const mutationTypes: string = `
"""
Changes, as made by the commands of the same names. Each field succeeds or fails as a whole. A failed field is null,
and the fields before it remain done.

A client that lost an answer can repeat the request, on this engine or the next: the change is made once, and the
answer is the first one. For this, \`rollback\` and \`prune\` need a \`key\`, and so does \`attach\` within a session;
\`commit\` uses the fork's id. The other fields have the same effect when repeated, and report that nothing was left
to do. If another client made changes in between, they act on the present state.
"""
type Mutation {
  """
  Opens a session. Send its token in the header \`cachelane-session\` with all following requests. It ends when it is
  closed or idle for a minute. Its open forks are then discarded.
  """
  openSession(
    "The project's directory, absolute, on the engine's machine. The default is the engine's own."
    directory: String
    """
    Overrides the namespace of the project's files (cachelane.yaml, the git remote). Without \`directory\`, the
    default is the engine's own. Required for a confined session, since its program may have written those files.
    """
    namespace: String
    """
    Confines the session to its namespace and the volumes granted to it. It changes only its own, saves only where it
    may write, and learns nothing about the rest, not even about projects below it.
    """
    confine: Boolean! = false
    """
    The program's environment, which identifies its CI run and configures its tools. The default is the engine's own.
    It is kept secret and only for the session.
    """
    environment: [EnvironmentVariableInput!]
  ): ClientSession
  "Ends the caller's session. False if it has none; E_SESSION_GONE if it has already ended."
  closeSession: Boolean
  """
  Makes a private directory for each volume, with the content that a run would get. Until the commit, no other client
  sees its changes (except in SHARED volumes).
  """
  attach(
    "At most 32 different volumes."
    volumes: [AttachInput!]!
    "How long to wait for runs that hold a LOCKED volume. The default is that of \`cachelane run\`."
    lockTimeoutSeconds: Int
    "A key chosen by the client, 1 to 200 characters. Within the session, repeating it returns the same fork until that fork has ended."
    key: String
    """
    Allows the paths of earlier forks to be reused, for tools that record the location of their cache. A path is not
    reused while a left-over process was given it or has files open there. By default, each path is new, so that a
    late writer to an ended fork harms nothing.
    """
    samePath: Boolean! = false
  ): Fork
  """
  Saves the changes of a fork, volume by volume, and ends it. Each volume is saved as a whole or not at all. If one
  fails, the earlier ones stay saved, the error names it, and the fork stays open: a repeated commit continues there.
  Repeating a finished commit returns the same result. If the engine ended during the commit, E_NOT_SAVED names what
  was saved and what was not.
  """
  commit(
    "The fork's id. It also serves as the key of this change."
    fork: ID!
    """
    The exit code of the work, 0 to 255. If it is not 0, only files are saved that the tool always leaves complete, as
    after \`cachelane run\`.
    """
    exitCode: Int! = 0
  ): [Saved!]
  "Ends a fork without saving. False if it has already ended."
  discard(
    "Its id."
    fork: ID!
  ): Boolean
  "Restores an earlier generation of a volume on the caller's lane, as a new generation."
  rollback(
    "Its id."
    volume: ID!
    "The default is the generation before the current one."
    generation: Int
    "Only reports what would change."
    dryRun: Boolean! = false
    """
    A key chosen by the client, 1 to 200 characters. Repeating it for the same generation returns the first result, as
    far back as the volume's history goes.
    """
    key: String
  ): RolledBack
  """
  Removes a volume's head and history on one lane. Its layers are deleted by the next collection. Open forks that
  started with them can no longer be saved: their commit is E_NOT_FOUND. The result is empty if there was nothing.
  """
  remove(
    "Its id."
    volume: ID!
    "The default is the lane that the caller writes."
    lane: String
    "Removes all lanes."
    allLanes: Boolean! = false
    "Only reports what would be removed."
    dryRun: Boolean! = false
  ): [Removed!]
  """
  Runs the tool's own clean-up command in a volume and saves the result. Not allowed in a confined session, since
  project files can change what the command does.
  """
  prune(
    "Its id."
    volume: ID!
    "Only reports which command would run."
    dryRun: Boolean! = false
    "See \`rollback\`. A clean-up that removed nothing is repeated."
    key: String
  ): Pruned
  "Sets how long caches of a namespace and those below it live, or how large they may be. Not allowed in a confined session."
  setPolicy(
    "The default is the caller's own project."
    namespace: String
    "One of the keys that \`policies\` of a namespace lists."
    key: String!
    "As in cachelane.yaml: \`14d\`, \`10GiB\`, \`none\`; null removes the policy."
    value: String
  ): [Policy!]
  "Creates a namespace that stays, also without volumes, until \`cachelane ns rm\`. An existing one stays from then on."
  createNamespace(
    "In its canonical spelling: \`teams/payments\`."
    path: String!
    "Only reports whether it already exists."
    dryRun: Boolean! = false
  ): CreatedNamespace
  "Renames a namespace. No data moves, and the old name remains an alias."
  renameNamespace(
    "Any of its names."
    from: String!
    "The new name."
    to: String!
    "Only reports whether it is possible."
    dryRun: Boolean! = false
  ): Renamed
  "Moves the volumes of another namespace to the caller's project."
  adopt(
    "The default is the name that the directory had before it got any other."
    from: String
    "Only reports whether it is possible."
    dryRun: Boolean! = false
  ): Renamed
  """
  Publishes what a namespace offers as a new version, unless the latest one has the same content. The namespace stays
  from then on. Changes that break existing code are E_CATALOG: a definition that means another volume, or one that
  was removed without a deprecation.
  """
  publishCatalog(
    "The default is the caller's own project."
    namespace: String
    "The whole content of the new version."
    content: CatalogInput!
    "Allows breaking changes."
    breaking: Boolean! = false
    "Only reports what would change."
    dryRun: Boolean! = false
  ): PublishedCatalog
  """
  Removes one version of a catalog for good. Its number is not reused, and projects that locked it get an error.
  Removing it again changes nothing.
  """
  removeCatalog(
    "The default is the caller's own project."
    namespace: String
    "The version. To remove all, remove the namespace."
    version: Int!
    "Only reports which projects use it."
    dryRun: Boolean! = false
  ): RemovedCatalog
  """
  Lets others use volumes of a namespace, which stays from then on until \`cachelane ns rm\`. A volume has one grant
  for each grantee: another one replaces it. A confined session can grant only volumes of its own project, and no run
  can grant a higher trust level than its own.
  """
  grant(
    "The owner. The default is the caller's own project."
    namespace: String
    "The volume's name. The volume may be empty."
    key: String
    "Instead of a key: all present and future volumes."
    all: Boolean! = false
    "The grantee: \`github.com/acme/api\`, or \`github.com/acme/**\` for it and those below it. It need not exist."
    to: String!
    "The permitted access."
    access: GrantAccess! = READ
    "The trust level that lanes need to save. The default is the level of the caller's lane."
    trust: TrustLevel
    "Only reports what would be granted."
    dryRun: Boolean! = false
  ): Grant
  "Withdraws a grant. Open sessions can still read what they have, but cannot save. The result is empty if there is no such grant."
  withdrawGrant(
    "The owner. The default is the caller's own project."
    namespace: String
    "The volume's name, as in the grant."
    key: String
    "Instead of a key: the grant for all volumes."
    all: Boolean! = false
    "The grantee, as in the grant."
    to: String!
    "Only reports what would be withdrawn."
    dryRun: Boolean! = false
  ): [Grant!]
  """
  Lets runs of projects save to a parent namespace, which stays from then on until \`cachelane ns rm\`. Adding the
  same feed again changes nothing. Not allowed in a confined session, since others could then save to it without a
  grant.
  """
  addFeed(
    "The tier. The default is the caller's own project."
    namespace: String
    "The projects: \`github.com/acme/web\`, or \`github.com/acme/**\` for it and those below it."
    from: String!
    "The volume's name. The default is all volumes."
    key: String
    "The lanes of the projects: \`default\` for the default branch's, or a lane's name."
    lanes: String! = "default"
    "Only reports the feed that would be added."
    dryRun: Boolean! = false
  ): Feed
  "Removes a feed. What it has saved stays. The result is empty if there is no such feed."
  removeFeed(
    "The tier. The default is the caller's own project."
    namespace: String
    "The projects, as in the feed."
    from: String!
    "The volume's name, as in the feed."
    key: String
    "The lanes, as in the feed."
    lanes: String! = "default"
    "Only reports what would be withdrawn."
    dryRun: Boolean! = false
  ): [Feed!]
}

"The result of a rollback, or of a dry run."
type RolledBack {
  "The name of the lane."
  lane: String!
  "The generation before the rollback."
  from: Int!
  "The generation that was restored."
  to: Int!
  "The new generation; null for a dry run, and if the head already had those layers."
  generation: Int
  "Number of layers that stay because their runs ended in the meantime."
  keptOnTop: Int!
}

"What was removed of one lane, or would be."
type Removed {
  "The name of the lane."
  lane: String!
  "The generation of the removed head."
  generation: Int!
  "The number of its layers."
  layers: Int!
  "Bytes in its layers."
  sizeBytes: Bytes!
}

"The result of a clean-up, or of a dry run."
type Pruned {
  "The arguments of the command."
  command: [String!]!
  "Null for a dry run."
  saved: Saved
}

"A created namespace."
type CreatedNamespace {
  "Its present name. It differs from the requested one if that is an alias."
  namespace: String!
  "Whether it is new; false if it already existed."
  isNew: Boolean!
}

"The result of a rename, or of a dry run."
type Renamed {
  "The namespace with its new name."
  namespace: String!
  "The keys of its volumes."
  volumes: [String!]!
}
`;
