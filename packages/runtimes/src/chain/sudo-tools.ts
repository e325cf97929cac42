import { join } from 'node:path';
import { isProgram } from './tools.ts';

/** Absolute paths of programs. */
export type SystemTools<Name extends string> = Readonly<Record<Name, string>>;

const sudoToolNames = ['sudo', 'env', 'sh', 'unshare', 'setpriv', 'perl', 'nice'] as const;
type SudoToolName = (typeof sudoToolNames)[number];

/** The programs of a run with mounts through sudo, except those that root's part calls. */
export type SudoTools = SystemTools<SudoToolName>;

/** The directories for root's programs. The user's PATH may name directories that others can write to. The first two belong to NixOS and Guix. */
const systemDirectories = [
  '/run/wrappers/bin',
  '/run/setuid-programs',
  '/usr/bin',
  '/bin',
  '/usr/sbin',
  '/sbin',
  '/run/current-system/sw/bin',
];

/** The PATH of root's part. */
export const systemPath: string = systemDirectories.slice(2).join(':');

/** Ubuntu's default `env` may lack the signal options; GNU's is `gnuenv` there. */
const programsFor = (name: string): readonly string[] => (name === 'env' ? ['gnuenv', 'env'] : [name]);

const findSystemTool = (name: string): string | undefined =>
  programsFor(name)
    .flatMap((program) => systemDirectories.map((directory) => join(directory, program)))
    .find((path) => isProgram(path));

export type FoundTools<Name extends string> =
  | { readonly tools: SystemTools<Name> }
  | { readonly missing: readonly Name[] };

export function findSystemTools<Name extends string>(names: readonly Name[]): FoundTools<Name> {
  const found = names.map((name) => [name, findSystemTool(name)] as const);
  const missing = found.filter(([, path]) => path === undefined);
  if (missing.length > 0) return { missing: missing.map(([name]) => name) };
  return { tools: Object.fromEntries(found) as SystemTools<Name> };
}

/** `isRoot`: sudo is not needed. */
export function findSudoTools(isRoot: boolean): FoundTools<SudoToolName> {
  if (!isRoot) return findSystemTools(sudoToolNames);
  const found = findSystemTools(sudoToolNames.filter((name) => name !== 'sudo'));
  return 'missing' in found ? found : { tools: { ...found.tools, sudo: '' } };
}
