export interface SessionOptions {
  /** Absolute, on the engine's machine: whose project the session is of. Where the engine was started where it is left out. */
  readonly directory?: string | undefined;
  /** Instead of the project's own namespace, which its files say (cachelane.yaml, the git remote). A confined session has to have one: the program in it may have written those files. */
  readonly namespace?: string | undefined;
  /** The session sees its namespace and the volumes that were granted to that, and is not told whether there is anything else. Without `namespace` it is refused (`E_USAGE`). */
  readonly confine?: boolean | undefined;
  /**
   * The program's environment: a CI system's variables decide its lane, and tools are set there. The engine's own where it is left out. Values of more than 8192 characters are left out. It goes to the engine
   * and to nobody else.
   */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** The token of a session that somebody else opened and keeps; directory, namespace, confine and environment are that one's then. */
  readonly session?: string | undefined;
  /** Ends the attempt to connect. */
  readonly signal?: AbortSignal | undefined;
}
