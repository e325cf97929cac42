import { dirname, sep } from 'node:path';
import {
  CachelaneError,
  type ConfigNames,
  type Context,
  type ContextSources,
  contextWarnings,
  deriveContext,
  type DirectoryIdentity,
} from '@cachelane/core';
import type { FileReader } from '../base/file-reader.ts';
import { readPlatform } from '../platforms/platforms.ts';
import { findProject, type Project } from './find-project.ts';

export interface ContextRequest {
  readonly cwd: string;
  readonly namespaceFlag: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; null where there is none. */
  readonly homeDir: string | null;
  /** What cachelane.yaml says, and its absolute path (`Project.configPath` where left out); null without the file. */
  readonly config: (Omit<ConfigNames, 'directory'> & { readonly path?: string }) | null;
  /** See `ContextSources`. */
  readonly personalTier?: ContextSources['personalTier'];
  readonly userParents?: ContextSources['userParents'];
  /** See `ContextSources`. */
  readonly isBounded?: boolean;
  readonly files: FileReader;
  /** From {@link findProject}, for a caller that needed it to find the configuration. */
  readonly project?: Project;
}

export interface GatheredContext {
  readonly context: Context;
  /** What a person must be told of the names in cachelane.yaml. */
  readonly warnings: readonly string[];
  /** Absolute, real. */
  readonly projectDir: string;
  readonly gitRoot: string | null;
  readonly directory: DirectoryIdentity;
  /** Commit of the checkout, else the one that the CI system names. */
  readonly revision: string | null;
  readonly workflow: string | null;
}

/**
 * Looks around and derives the context. On the way of every command, hence synchronous and sparing with system calls: no
 * directory is listed, no process started. Throws E_NAMESPACE, E_LIMIT, and E_USAGE when `cwd` does not exist.
 */
export function gatherContext(request: ContextRequest): GatheredContext {
  const { cwd, homeDir, env, files, config } = request;
  const project = request.project ?? findProject({ cwd, homeDir, files });
  const { repository, directory } = project;
  // Whose work is noted is not for the program in it to say, nor is a commit of another repository that its `.git` leads to.
  const checkedOut = request.isBounded === true ? null : (repository?.revision ?? null);
  const platform = readPlatform({ env, readText: (path) => files.readText(path) });
  const sources: ContextSources = {
    namespaceFlag: request.namespaceFlag,
    namespaceVariable: env['CACHELANE_NAMESPACE'] ?? null,
    parentsVariable: env['CACHELANE_PARENTS'] ?? null,
    config: config === null ? null : { ...config, directory: slashes(configDirectory(config.path, project, files)) },
    repository: repository === null ? null : { root: slashes(repository.root), remote: repository.remote },
    project: { directory: slashes(directory), source: project.source },
    platform,
    personalTier: request.personalTier ?? null,
    userParents: request.userParents ?? [],
    isBounded: request.isBounded ?? false,
  };
  return {
    context: deriveContext(sources),
    warnings: contextWarnings(sources),
    projectDir: directory,
    gitRoot: repository?.root ?? null,
    directory: identityOf(directory, files),
    revision: checkedOut ?? platform?.revision ?? null,
    workflow: platform?.workflow ?? null,
  };
}

function configDirectory(given: string | undefined, project: Project, files: FileReader): string {
  const path = given ?? project.configPath;
  if (path === null) return project.directory;
  return files.realPath(dirname(path)) ?? dirname(path);
}

/** A clone that replaced another one at the same path has another inode or another time of birth. */
function identityOf(directory: string, files: FileReader): DirectoryIdentity {
  const facts = files.facts(directory);
  if (facts === undefined) throw new CachelaneError('E_USAGE', `there is no directory ${JSON.stringify(directory)}`);
  return { path: directory, identity: `${facts.dev}:${facts.ino}:${facts.birthtimeNs}` };
}

function slashes(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/');
}
