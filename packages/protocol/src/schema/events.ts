/** Events. */
export const eventTypes: string = `
"Live events."
type Subscription {
  "New events of forks and clean-ups in the caller's session."
  events: Event!
}

"An event of a running fork or clean-up."
type Event {
  "When it happened."
  at: DateTime!
  "The kind of event."
  type: EventType!
  "The key of the volume; null if it concerns none."
  volume: String
  "One sentence; null if the type says everything."
  message: String
  "The code of a warning."
  code: String
  "What to do about a warning."
  hint: String
  "The progress so far."
  done: Float
  "Null while unknown."
  total: Float
  "For \`SAVED\`: the result."
  saved: Saved
}

"Kinds of events."
enum EventType {
  "A fork or clean-up began."
  SESSION_OPENED
  "A volume was attached."
  ATTACHED
  "Another run has locked a volume."
  WAITING
  "A slow step is running."
  PROGRESS
  "The changes of a volume were saved."
  SAVED
  "A volume was pulled from or pushed to the remote."
  SYNCED
  "A problem that does not stop the work."
  WARNING
  "Any other message."
  OTHER
}
`;
