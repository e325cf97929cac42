/** Environment variables with the address and session of an engine. */
export const variables = {
  /** `http://127.0.0.1:PORT`, or `unix:/path`. */
  address: 'CACHELANE_ENGINE',
  token: 'CACHELANE_ENGINE_TOKEN',
  /** An existing session that the program should use. */
  session: 'CACHELANE_ENGINE_SESSION',
  /** The same, for clients of the container pipeline API that this API follows. */
  otherPort: 'DAGGER_SESSION_PORT',
  otherToken: 'DAGGER_SESSION_TOKEN',
  /** Marks background processes that clean up a store. */
  background: 'CACHELANE_BACKGROUND',
} as const;

/** The header that names a request's session. Without it, the engine's own project is used. */
export const sessionHeader = 'cachelane-session';
