import { environmentVariables, whyTooLarge, type EnvironmentVariable } from '@cachelane/protocol';
import { CachelaneError } from '../errors/errors.ts';
import type { SessionOptions } from './session-options.ts';

/** The place of a session; null: the engine decides. */
export interface SessionPlace {
  readonly directory: string | null;
  readonly namespace: string | null;
  readonly isConfined: boolean;
  /** Null: the engine's. */
  readonly environment: readonly EnvironmentVariable[] | null;
}

/** Errors: E_LIMIT. */
export function placeOf({ directory, namespace, confine, environment }: SessionOptions): SessionPlace {
  return {
    directory: directory ?? null,
    namespace: namespace ?? null,
    isConfined: confine ?? false,
    environment: environment === undefined ? null : variablesOf(environment),
  };
}

function variablesOf(environment: NonNullable<SessionOptions['environment']>): SessionPlace['environment'] {
  const all = environmentVariables(environment);
  const why = whyTooLarge(all);
  if (why === null) return all;
  throw new CachelaneError('E_LIMIT', why, {
    hint: 'pass only variables that configure tools or identify the CI run to connect({ environment })',
  });
}
