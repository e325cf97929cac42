import type { Answer, Operation } from '@cachelane/api';
import { CachelaneError } from '@cachelane/core';
import { environmentVariables, whyTooLarge, type EnvironmentVariable } from '@cachelane/protocol';
import { askEngine, type EngineAccess } from './ask-engine.ts';

export interface ProgramPlace {
  /** Real path. */
  readonly directory: string;
  /** The caller's own choice; null: as the directory says. */
  readonly namespace: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether a person named directory or namespace. */
  readonly isChosen: boolean;
}

/**
 * Has an engine carry it out as of the caller's project. In the session that it was handed, where there is one: where that has ended, nothing else is taken for it, which might have other bounds. Otherwise in a session of its own, which
 * ends with it, and with it the forks that it left; whose token is that of a confined session acts as that one. Unless a person chose something else. Errors: those of `askEngine`, E_LIMIT.
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
    // One that does not hear it ends the session by itself.
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
    hint: 'unset what neither tools nor CI systems are set by: env -u NAME cachelane query …',
  });
}

function tokenIn({ data }: Answer): string | null {
  const opened = data as { readonly openSession: { readonly token: string } | null } | null | undefined;
  return opened?.openSession?.token ?? null;
}
