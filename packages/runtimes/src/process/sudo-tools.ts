import { join } from 'node:path';
import { isProgram } from './tools.ts';

/** Absolute paths of the programs that a run with mounts through sudo is made of, but for those that its root part calls. */
export interface SudoTools {
  readonly sudo: string;
  readonly env: string;
  readonly sh: string;
  readonly unshare: string;
  readonly setpriv: string;
  readonly perl: string;
  readonly nice: string;
}

export type SudoToolName = keyof SudoTools;

/**
 * The only places that root's part takes programs from: a PATH is the user's, and may name folders that others can write
 * to. The first two are where NixOS and Guix keep theirs.
 */
const systemFolders = [
  '/run/wrappers/bin',
  '/run/setuid-programs',
  '/usr/bin',
  '/bin',
  '/usr/sbin',
  '/sbin',
  '/run/current-system/sw/bin',
];

/** The PATH of root's part. */
export const systemPath: string = systemFolders.slice(2).join(':');

/** Ubuntu ships `env` in another implementation, which may lack the signal options, and GNU's beside it as `gnuenv`. */
const programNames: Readonly<Record<SudoToolName, readonly string[]>> = {
  sudo: ['sudo'],
  env: ['gnuenv', 'env'],
  sh: ['sh'],
  unshare: ['unshare'],
  setpriv: ['setpriv'],
  perl: ['perl'],
  nice: ['nice'],
};

/** `isRoot`: then nobody asks sudo, and it need not be there. */
export function findSudoTools(
  isRoot: boolean,
): { readonly tools: SudoTools } | { readonly missing: readonly SudoToolName[] } {
  const find = (name: SudoToolName): string | undefined =>
    programNames[name]
      .flatMap((program) => systemFolders.map((folder) => join(folder, program)))
      .find((path) => isProgram(path));
  const names = Object.keys(programNames) as readonly SudoToolName[];
  const found = names.map((name) => [name, find(name)] as const);
  const missing = found.filter(([name, path]) => path === undefined && !(isRoot && name === 'sudo'));
  if (missing.length > 0) return { missing: missing.map(([name]) => name) };
  return { tools: Object.fromEntries(found.map(([name, path]) => [name, path ?? ''])) as unknown as SudoTools };
}
