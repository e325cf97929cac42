import {
  CachelaneError,
  type Context,
  type DirectoryIdentity,
  type Namespace,
  type ToolEnvironment,
} from '@cachelane/core';
import { readConfig } from '../config/config.ts';
import type { Config } from '../config/config-types.ts';
import { contextWishes } from './context-wishes.ts';
import { gatherContext } from './context.ts';
import { nodeFiles, type FileReader } from '../base/file-reader.ts';
import { findProject } from './find-project.ts';
import { userHome } from '../home/home.ts';
import type { Host } from '../host/host.ts';
import { leadsOut } from '../base/mount-points.ts';
import { anyReach, toolEnvironment, type ToolReach } from './tool-environment.ts';
import type { WhereToRun } from '../host/working-directory.ts';

/** What a command knows about its project. */
export interface OpenProject {
  readonly context: Context;
  readonly config: Config | null;
  /** Warnings about the file and similar ones, one sentence each. */
  readonly warnings: readonly string[];
  readonly directory: DirectoryIdentity;
  readonly revision: string | null;
  readonly workflow: string | null;
  /** The user's home directory; null if there is none. */
  readonly homeDir: string | null;
  readonly workDir: string;
  /** The directory that the namespace names. */
  readonly projectDir: string;
  /** Lockfiles are searched from the working directory up to here. */
  readonly topDir: string;
  /** Reads the project's files, as far as the session may see them. */
  readonly files: FileReader;
}

export interface ProjectOptions {
  readonly where: WhereToRun;
  /** From `--namespace`. */
  readonly namespace: Namespace | undefined;
  /** For a confined session, which must not see the personal tier. */
  readonly isConfined?: boolean;
}

/** Errors: E_NOT_FOUND for a missing directory, E_CONFIG, E_NAMESPACE, E_LIMIT. */
export async function openProject(
  host: Host,
  { where, namespace, isConfined = false }: ProjectOptions,
): Promise<OpenProject> {
  if (where.problem !== null) throw where.problem;
  const { env } = host;
  const homeDir = userHome(host) ?? null;
  const project = findProject({ cwd: where.dir, homeDir, files: nodeFiles });
  const topDir = project.repository?.root ?? project.directory;
  // A confined session must not read files outside the project through a symlink.
  const isRead = project.configPath !== null && !(isConfined && leadsOut(project.configPath, topDir));
  const config = isRead ? await readConfig(project.configPath) : null;
  const gathered = gatherContext({
    cwd: where.dir,
    namespaceFlag: namespace ?? null,
    env,
    homeDir,
    config,
    ...(await contextWishes(host)),
    ...(isConfined ? { personalTier: null, isBounded: true } : {}),
    files: nodeFiles,
    project,
  });
  return {
    context: gathered.context,
    config,
    warnings: [...project.warnings, ...gathered.warnings, ...(config?.warnings ?? [])],
    directory: gathered.directory,
    revision: gathered.revision,
    workflow: gathered.workflow,
    homeDir,
    workDir: where.dir,
    projectDir: gathered.projectDir,
    topDir,
    files: isConfined ? filesWithin(topDir) : nodeFiles,
  };
}

/** Reads only files in the project, not through symlinks that lead out of it. */
function filesWithin(topDir: string): FileReader {
  return {
    ...nodeFiles,
    readText: (path, bytesMax) => (leadsOut(path, topDir) ? undefined : nodeFiles.readText(path, bytesMax)),
  };
}

/** Errors: E_HOME_UNUSABLE, since most tools keep their cache below the home directory. */
export function toolEnvironmentOf(
  { env, os, arch }: Host,
  { homeDir, workDir }: OpenProject,
  reach: ToolReach = anyReach({ cwd: workDir, env }),
): ToolEnvironment {
  if (homeDir !== null) return toolEnvironment({ homeDir, workDir, os, arch, env, reach });
  throw new CachelaneError('E_HOME_UNUSABLE', 'HOME is not set', { hint: 'set HOME' });
}
