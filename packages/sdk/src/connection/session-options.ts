export interface SessionOptions {
  /** The project's directory, absolute, on the engine's machine. The default is the engine's own. */
  readonly directory?: string | undefined;
  /**
   * Overrides the namespace of the project's files (cachelane.yaml, the git remote). Required for a confined session,
   * since its program may have written those files.
   */
  readonly namespace?: string | undefined;
  /**
   * Confines the session to its namespace and the volumes granted to it. It learns nothing about the rest. Without
   * `namespace`, it is refused (`E_USAGE`).
   */
  readonly confine?: boolean | undefined;
  /**
   * The program's environment, which identifies its CI run and configures its tools. The default is the engine's own.
   * Values of more than 8192 characters are left out. Only the engine sees it.
   */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** The token of a session opened elsewhere. Its directory, namespace, confinement and environment apply. */
  readonly session?: string | undefined;
  /** Aborts the attempt to connect. */
  readonly signal?: AbortSignal | undefined;
}
