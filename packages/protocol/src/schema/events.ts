/** What goes on. */
export const eventTypes: string = `
"What goes on while it goes on."
type Subscription {
  "What forks and clean-ups of the caller's session tell, from now on."
  events: Event!
}

"What a fork or a clean-up tells while it works."
type Event {
  "When it happened."
  at: DateTime!
  "What kind it is."
  type: EventType!
  "The key of the volume that it is about; null where it is about none."
  volume: String
  "One sentence; null where the type says all."
  message: String
  "Of a warning: its code."
  code: String
  "Of a warning: what can be done about it."
  hint: String
  "Of progress."
  done: Float
  "Null while it is unknown."
  total: Float
  "Of \`SAVED\`: what became of the changes."
  saved: Saved
}

"Kinds of events."
enum EventType {
  "A fork, or a clean-up, has begun."
  SESSION_OPENED
  "A volume is in place."
  ATTACHED
  "Another run has a volume for itself."
  WAITING
  "Something that takes long goes on."
  PROGRESS
  "What became of the changes of one volume."
  SAVED
  "What went to the remote, and came from it."
  SYNCED
  "Something went wrong that the work goes on without."
  WARNING
  "Anything else, for people."
  OTHER
}
`;
