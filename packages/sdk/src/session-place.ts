import { environmentVariables, type EnvironmentVariable } from '@cachelane/protocol';
import type { SessionOptions } from './session-options.ts';

/** Whose project a session is of; null: as the engine decides. */
export interface SessionPlace {
  readonly directory: string | null;
  readonly namespace: string | null;
  readonly isConfined: boolean;
  /** Null: that of the engine. */
  readonly environment: readonly EnvironmentVariable[] | null;
}

export function placeOf({ directory, namespace, confine, environment }: SessionOptions): SessionPlace {
  return {
    directory: directory ?? null,
    namespace: namespace ?? null,
    isConfined: confine ?? false,
    environment: environment === undefined ? null : environmentVariables(environment),
  };
}
