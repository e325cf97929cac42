/** How a program that an engine started, or that is to find one, is told where it is. */
export const variables = {
  /** `http://127.0.0.1:PORT`, or `unix:/path`. */
  address: 'CACHELANE_ENGINE',
  token: 'CACHELANE_ENGINE_TOKEN',
  /** Of a session that somebody else keeps, and that is to be the program's. */
  session: 'CACHELANE_ENGINE_SESSION',
  /** The same for clients of the container pipeline API that this one grew out of. */
  otherPort: 'DAGGER_SESSION_PORT',
  otherToken: 'DAGGER_SESSION_TOKEN',
  /** Processes have it that tidy up in a store, whoever left them behind. */
  background: 'CACHELANE_BACKGROUND',
} as const;

/** Names the session that a request belongs to; without it, it is the engine's own project. */
export const sessionHeader = 'cachelane-session';
