import { readFileSync, statSync } from 'node:fs';
import type { ToolEnvironment } from '@cachelane/core';
import { programVersion, type ProgramPlace } from '../base/program-version.ts';

/** Larger files are not settings. */
const settingsBytesMax = 1_048_576;

/** Limits of tool detection. */
export interface ToolReach {
  readonly programs: ProgramPlace;
  /** Whether settings in this file apply. */
  readonly mayRead: (path: string) => boolean;
}

/** Reads everything. */
export function anyReach(programs: ProgramPlace): ToolReach {
  return { programs, mayRead: () => true };
}

export interface ToolEnvironmentRequest {
  readonly homeDir: string;
  readonly workDir: string;
  readonly os: string;
  readonly arch: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly reach: ToolReach;
}

export function toolEnvironment({
  env,
  reach: { programs, mayRead },
  ...rest
}: ToolEnvironmentRequest): ToolEnvironment {
  const versions = new Map<string, string | undefined>();
  return {
    ...rest,
    env: (name) => (Object.hasOwn(env, name) ? env[name] : undefined),
    readText: (path) => (mayRead(path) ? readSettings(path) : undefined),
    programVersion(name) {
      if (!versions.has(name)) versions.set(name, programVersion({ name, ...programs }));
      return versions.get(name);
    },
  };
}

function readSettings(path: string): string | undefined {
  try {
    const stats = statSync(path);
    return stats.isFile() && stats.size <= settingsBytesMax ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}
