/** What can be changed. */
export const mutationTypes: string = `
"""
What changes something, as the commands of the same names do. Each field is carried out or not at all, and is null where it was not: those before it stay done.

Whoever lost an answer, because a connection broke or the engine ended, may ask the same again, of this engine or of the next one: it is carried out once, and the answer is that of the first time. \`rollback\` and \`prune\` need a \`key\` for that,
and \`attach\` where its session goes on; \`commit\` is known by its fork. The others are carried out each time: they come to the same, and say so where nothing was left to do, unless somebody else changed the same meanwhile. So \`remove\` takes what is there when it is asked again.
"""
type Mutation {
  """
  Says where and who the caller is, for all that it asks from then on with the session's token in the header \`cachelane-session\`. The session ends when it is closed, or when nothing was heard
  of it for a minute; forks that it left are discarded then. So does one whose token was lost.
  """
  openSession(
    "Absolute, on the engine's machine: whose project it is. Where the engine was started where it is left out."
    directory: String
    "Instead of the project's own namespace, which its files say (cachelane.yaml, the git remote). Without directory, that of the engine where it was started for one. A confined session has to have one: the program in it may have written those files."
    namespace: String
    "It sees its namespace, as it is now, and the volumes that were granted to that; changes its own alone, and saves to others that it may write; and is not told whether there is anything else. Projects below it are others."
    confine: Boolean! = false
    """
    The program's environment: what a CI system says of it decides its lane, and tools are set there. The engine's own where it is left out. It is kept for as long as the session, and told to nobody.
    """
    environment: [EnvironmentVariableInput!]
  ): ClientSession
  "Ends the caller's session. False where it has none; E_SESSION_GONE where it has ended before."
  closeSession: Boolean
  """
  A directory for each volume, with what a run here would find, for the caller to work in: nobody else sees what it does there (but in SHARED volumes) before it is committed.
  """
  attach(
    "At most 32; none twice."
    volumes: [AttachInput!]!
    "How long to wait for runs that have a LOCKED volume; as \`cachelane run\` where it is left out."
    lockTimeoutSeconds: Int
    "The caller's own name for this fork, 1 to 200 characters: in the same session it is the same fork again, until that has ended. A fork ends with its engine, and is another one in the next."
    key: String
    """
    Directories may lie where those of earlier forks did, for commands of tools that note where their cache lies. Processes that outlived an earlier fork are looked for first: where one was told the path, or has something open there, it is another
    one. Without it no path comes twice, so that whoever goes on writing to the directory of a fork that has ended writes nowhere.
    """
    samePath: Boolean! = false
  ): Fork
  """
  Saves what was changed in a fork, one volume after the other, and ends it. Each is saved whole or not at all. Where one cannot be saved, those before it stay saved, and the error says which, and why. The fork is open still then, and the directories of
  the others are as they were: asked again, it goes on where it failed. What was saved is told again to whoever asks again; where the engine ended before all was, E_NOT_SAVED names what was and what was not.
  """
  commit(
    "Its id, which names this change as a key does."
    fork: ID!
    "What the work in it came to, as a command's exit code, 0 to 255. With another one than 0 only that is saved what tools leave complete whatever becomes of a command, as after \`cachelane run\`."
    exitCode: Int! = 0
  ): [Saved!]
  "Ends a fork; what was changed in it is gone. False where it has ended before."
  discard(
    "Its id."
    fork: ID!
  ): Boolean
  "Brings back what a volume was, on the lane that the caller writes, at an earlier generation; itself a new generation."
  rollback(
    "Its id."
    volume: ID!
    "The one before the present one where it is left out."
    generation: Int
    "Says what would change, and changes nothing."
    dryRun: Boolean! = false
    "The caller's own name for this change, 1 to 200 characters: repeated under the same name and for the same generation, after an answer was lost, it is the same change, for as long as the history of the volume goes back."
    key: String
  ): RolledBack
  "Removes what a volume holds on one lane, history and all. Its layers go with the next collection. Forks that had found something there are not saved after that: their commit is E_NOT_FOUND. Empty where it holds nothing."
  remove(
    "Its id."
    volume: ID!
    "The lane that the caller writes where it is left out."
    lane: String
    "On every lane."
    allLanes: Boolean! = false
    "Says what would go, and removes nothing."
    dryRun: Boolean! = false
  ): [Removed!]
  "Runs the tool's own clean-up in a volume and saves what it removed. A confined session has none run: files of its directory may say what such a command does."
  prune(
    "Its id."
    volume: ID!
    "Says which command would run, and runs nothing."
    dryRun: Boolean! = false
    "As that of \`rollback\`. A clean-up that found nothing to remove leaves nothing that it could be known by, and is done again."
    key: String
  ): Pruned
  "Says how long the caches of a namespace, and of those below it, live, or how large they may be. A confined session says nothing of that: projects below its own are others."
  setPolicy(
    "The caller's own project where it is left out."
    namespace: String
    "One of those that \`policies\` lists, of a namespace."
    key: String!
    "As a person would write it: \`14d\`, \`10GiB\`, \`none\`; null takes back what was said."
    value: String
  ): [Policy!]
  """
  Makes a namespace that is there without volumes, with the policies that are said of it, until \`cachelane ns rm\`. One that runs made stays from then on; the same again is the same.
  """
  createNamespace(
    "In its canonical spelling: \`teams/payments\`."
    path: String!
    "Says whether there is one already, and changes nothing."
    dryRun: Boolean! = false
  ): CreatedNamespace
  "Gives a namespace another name. Nothing moves, and the old name goes on working."
  renameNamespace(
    "Any of its names."
    from: String!
    "The new one."
    to: String!
    "Says whether it could be done, and changes nothing."
    dryRun: Boolean! = false
  ): Renamed
  "Hands the volumes of another name over to the caller's project."
  adopt(
    "The name that its directory had before it had any other, where it is left out."
    from: String
    "Says whether it could be done, and changes nothing."
    dryRun: Boolean! = false
  ): Renamed
  """
  Offers others what a namespace has, as a new version; where the latest one says the same already, that is the answer. The namespace stays from then on. What would break code that was written for the version before is E_CATALOG: a definition that is another
  volume now, or one that is gone and was not deprecated before.
  """
  publishCatalog(
    "The caller's own project where it is left out."
    namespace: String
    "All that it offers from then on."
    content: CatalogInput!
    "Publishes also what breaks code."
    breaking: Boolean! = false
    "Says what would change, and changes nothing."
    dryRun: Boolean! = false
  ): PublishedCatalog
  "Takes one version of a catalog away, for good: its number never comes again, and whoever locked it is told. The same again is the same."
  removeCatalog(
    "The caller's own project where it is left out."
    namespace: String
    "Which one; for all, remove the namespace."
    version: Int!
    "Says who went by it, and removes nothing."
    dryRun: Boolean! = false
  ): RemovedCatalog
  """
  Lets others use volumes of a namespace, which stays from then on until \`cachelane ns rm\`. There is one grant for each volume and each whom it is for: another one takes its place, the same again is the same. A confined session gives grants of its own project
  alone; a run of a level none above its own.
  """
  grant(
    "Whose; the caller's own project where it is left out."
    namespace: String
    "The volume's name; it need not hold anything yet."
    key: String
    "Instead of a key: all volumes that there are, now and later."
    all: Boolean! = false
    "Whom it is for: \`github.com/acme/api\`, or \`github.com/acme/**\` for that one and those below it. It need not be there."
    to: String!
    "What they may do."
    access: GrantAccess! = READ
    "The level of lanes that may save; that of the caller's own where it is left out."
    trust: TrustLevel
    "Says what would be granted, and changes nothing."
    dryRun: Boolean! = false
  ): Grant
  """
  Takes a grant back. Sessions that are open read on with what they have, and save nothing more there. Empty where there is none, as when it is asked again.
  """
  withdrawGrant(
    "Whose; the caller's own project where it is left out."
    namespace: String
    "The volume's name, as the grant has it."
    key: String
    "Instead of a key: the grant of all volumes."
    all: Boolean! = false
    "Whom it is for, as the grant has it."
    to: String!
    "Says what would be taken back, and changes nothing."
    dryRun: Boolean! = false
  ): [Grant!]
  """
  Lets runs of projects bring what they save to a namespace that is a parent of theirs, which stays from then on until \`cachelane ns rm\`. The same again is the same. A confined session makes none: what others save would come to it without a grant.
  """
  addFeed(
    "The tier; the caller's own project where it is left out."
    namespace: String
    "The projects: \`github.com/acme/web\`, or \`github.com/acme/**\` for that one and those below it."
    from: String!
    "The volume's name; all that they save where it is left out."
    key: String
    "Which lanes of the projects: \`default\` for that of the default branch, or one by its name."
    lanes: String! = "default"
    "Says which rule it would be, and changes nothing."
    dryRun: Boolean! = false
  ): Feed
  "Takes a feed rule back. What it brought stays. Empty where there is none, as when it is asked again."
  removeFeed(
    "The tier; the caller's own project where it is left out."
    namespace: String
    "The projects, as the rule has them."
    from: String!
    "The volume's name, as the rule has it."
    key: String
    "The lanes, as the rule has them."
    lanes: String! = "default"
    "Says what would be taken back, and changes nothing."
    dryRun: Boolean! = false
  ): [Feed!]
}

"What a rollback did, or would do."
type RolledBack {
  "The name of the lane."
  lane: String!
  "The generation that was left."
  from: Int!
  "The one whose layers are back."
  to: Int!
  "The new one; null for a dry run, and where the head named those layers already."
  generation: Int
  "Layers of runs that ended meanwhile, and stay."
  keptOnTop: Int!
}

"What is gone of one lane, or would be."
type Removed {
  "The name of the lane."
  lane: String!
  "Where its head was."
  generation: Int!
  "How many its head named."
  layers: Int!
  "Content of those."
  sizeBytes: Bytes!
}

"What a clean-up did, or would do."
type Pruned {
  "What runs, word by word."
  command: [String!]!
  "Null for a dry run."
  saved: Saved
}

"A namespace that somebody asked for."
type CreatedNamespace {
  "Its present name: another one than it was asked for by, where that is a name it had before."
  namespace: String!
  "Whether it was made, or would be; false where it was there already."
  isNew: Boolean!
}

"What has another name now, or would have."
type Renamed {
  "The namespace by its new name."
  namespace: String!
  "What it holds, by key."
  volumes: [String!]!
}
`;
