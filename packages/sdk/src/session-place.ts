import type { SessionOptions } from './session-options.ts';

/** Whose project a session is of; null: as the engine decides. */
export interface SessionPlace {
  readonly directory: string | null;
  readonly namespace: string | null;
  readonly isConfined: boolean;
}

export function placeOf({ directory, namespace, confine }: SessionOptions): SessionPlace {
  return { directory: directory ?? null, namespace: namespace ?? null, isConfined: confine ?? false };
}
