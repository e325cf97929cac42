import type { Answer, Operation } from '@cachelane/api';
import { CachelaneError } from '@cachelane/core';
import { environmentVariables, whyTooLarge, type EnvironmentVariable } from '@cachelane/protocol';
import { askEngine, type EngineAccess } from './ask-engine.ts';

export interface ProgramPlace {
  /** Real path. */
  readonly directory: string;
  /** The caller's choice; null to use the directory's namespace. */
  readonly namespace: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether the user named the directory or namespace. */
  readonly isChosen: boolean;
}

/**
 * Runs an operation for the caller's project. Uses the session that the caller was given; if it has ended, the operation fails, since another
 * session could have other bounds. Without one, opens a session and closes it afterwards, with its forks. Errors: those of `askEngine`, E_LIMIT.
 */
export async function askAsProject(
  { session: handed, ...access }: EngineAccess,
  place: ProgramPlace,
  operation: Operation,
): Promise<Answer> {
  if (handed !== undefined && !place.isChosen) return await askEngine({ ...access, session: handed }, operation);
  const opened = await askEngine(access, {
    query:
      'mutation ($directory: String, $namespace: String, $environment: [EnvironmentVariableInput!]) { openSession(directory: $directory, namespace: $namespace, environment: $environment) { token } }',
    variables: { ...place, environment: settingsOf(place.environment) },
    operationName: null,
  });
  const session = tokenIn(opened);
  if (session === null) {
    const isDenied = opened.errors?.[0]?.extensions.code === 'E_ENGINE_DENIED';
    return isDenied && !place.isChosen ? await askEngine(access, operation) : opened;
  }
  try {
    return await askEngine({ ...access, session }, operation);
  } finally {
    // An engine that misses this ends the session after a minute.
    const closing = { query: 'mutation { closeSession }', variables: {}, operationName: null };
    await askEngine({ ...access, session }, closing).catch(() => undefined);
  }
}

/** Errors: E_LIMIT. */
function settingsOf(environment: ProgramPlace['environment']): readonly EnvironmentVariable[] {
  const all = environmentVariables(environment);
  const why = whyTooLarge(all);
  if (why === null) return all;
  throw new CachelaneError('E_LIMIT', why, {
    hint: 'unset variables that neither tools nor CI systems need: env -u NAME cachelane query …',
  });
}

function tokenIn({ data }: Answer): string | null {
  const opened = data as { readonly openSession: { readonly token: string } | null } | null | undefined;
  return opened?.openSession?.token ?? null;
}
