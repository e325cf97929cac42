import type { SessionOptions } from './session-options.ts';

/** Whose project a session is of; null: as the engine decides. */
export interface SessionPlace {
  readonly directory: string | null;
  readonly namespace: string | null;
  readonly isConfined: boolean;
  /** Null: that of the engine. */
  readonly environment: readonly { readonly name: string; readonly value: string }[] | null;
}

/** What is longer is no setting, and would only make the request too large. */
const longestValue = 8192;

export function placeOf({ directory, namespace, confine, environment }: SessionOptions): SessionPlace {
  return {
    directory: directory ?? null,
    namespace: namespace ?? null,
    isConfined: confine ?? false,
    environment: environment === undefined ? null : variablesOf(environment),
  };
}

function variablesOf(environment: NonNullable<SessionOptions['environment']>): SessionPlace['environment'] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || value.length > longestValue ? [] : [{ name, value }],
  );
}
