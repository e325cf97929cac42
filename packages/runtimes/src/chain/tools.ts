import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** Absolute paths of the programs that a run with mounts uses. */
export interface Tools {
  readonly env: string;
  readonly nice: string;
  readonly flock: string;
  readonly bwrap: string;
}

export type ToolName = keyof Tools;

/** Ubuntu's default `env` may lack the signal options; GNU's is `gnuenv` there. */
const programNames: Readonly<Record<ToolName, readonly string[]>> = {
  env: ['gnuenv', 'env'],
  nice: ['nice'],
  flock: ['flock'],
  bwrap: ['bwrap'],
};

/** Searched after the PATH, which is often shorter for cron jobs and services. */
const usualDirectories = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];

export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Finds a tool in `path` (a PATH) and in the usual directories. Skips relative entries: files in a project's directory must not be run to start
 * its commands.
 */
export function findTool(path: string, name: ToolName): string | undefined {
  const directories = [...path.split(delimiter).filter((directory) => isAbsolute(directory)), ...usualDirectories];
  return programNames[name]
    .flatMap((program) => directories.map((directory) => join(directory, program)))
    .find(isProgram);
}

export function findTools(path: string): { readonly tools: Tools } | { readonly missing: readonly ToolName[] } {
  const found = {
    env: findTool(path, 'env'),
    nice: findTool(path, 'nice'),
    flock: findTool(path, 'flock'),
    bwrap: findTool(path, 'bwrap'),
  };
  const { env, nice, flock, bwrap } = found;
  if (env !== undefined && nice !== undefined && flock !== undefined && bwrap !== undefined) {
    return { tools: { env, nice, flock, bwrap } };
  }
  return { missing: (Object.keys(found) as ToolName[]).filter((name) => found[name] === undefined) };
}
