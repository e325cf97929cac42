import type { Hint, PlatformHints } from '@cachelane/core';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface PlatformRequest {
  readonly env: Environment;
  /** Returns a text file; undefined if it is unreadable. */
  readonly readText: (path: string) => string | undefined;
}

/** A CI system as a source of inputs. */
export interface Platform {
  detect(env: Environment): boolean;
  /** Called only if `detect` returned true. Never throws. */
  read(request: PlatformRequest): PlatformHints;
}

export function variable(env: Environment, name: string): string | null {
  const value = env[name];
  return value === undefined || value === '' ? null : value;
}

export function hint(env: Environment, name: string): Hint | null {
  const value = variable(env, name);
  return value === null ? null : { value, source: inEnvironment(name) };
}

export function inEnvironment(name: string): string {
  return `${name} in the environment`;
}

/** Returns a commit id, or null, since the value goes into records. */
export function commitId(text: string | null): string | null {
  return text !== null && /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(text) ? text : null;
}
