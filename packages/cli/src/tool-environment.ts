import { readFileSync, statSync } from 'node:fs';
import type { ToolEnvironment } from '@cachelane/core';
import { programVersion, type ProgramPlace } from './program-version.ts';

/** A tool's settings are a few lines; whatever is larger is something else. */
const settingsBytesMax = 1_048_576;

export interface ToolEnvironmentRequest {
  readonly homeDir: string;
  readonly workDir: string;
  readonly os: string;
  readonly arch: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly programs: ProgramPlace;
}

export function toolEnvironment({ env, programs, ...rest }: ToolEnvironmentRequest): ToolEnvironment {
  const versions = new Map<string, string | undefined>();
  return {
    ...rest,
    env: (name) => (Object.hasOwn(env, name) ? env[name] : undefined),
    readText: readSettings,
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
