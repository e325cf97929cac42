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
  /** Null if there is none. */
  readonly homeDir: string | null;
  /** The contents and absolute path of cachelane.yaml (`Project.configPath` by default); null without the file. */
  readonly config: (Omit<ConfigNames, 'directory'> & { readonly path?: string }) | null;
  /** See `ContextSources`. */
  readonly personalTier?: ContextSources['personalTier'];
  readonly userParents?: ContextSources['userParents'];
  /** See `ContextSources`. */
  readonly isBounded?: boolean;
  readonly files: FileReader;
  /** From {@link findProject}, if the caller already has it. */
  readonly project?: Project;
}

export interface GatheredContext {
  readonly context: Context;
  /** Warnings about names in cachelane.yaml. */
  readonly warnings: readonly string[];
  readonly projectDir: string;
  readonly gitRoot: string | null;
  readonly directory: DirectoryIdentity;
  /** Commit of the checkout, else the CI system's. */
  readonly revision: string | null;
  readonly workflow: string | null;
}

/**
 * Derives the context. Runs in every command, so it is synchronous, lists no directory and starts no process. Throws E_NAMESPACE, E_LIMIT,
 * and E_USAGE if `cwd` does not exist.
 */
export function gatherContext(request: ContextRequest): GatheredContext {
  const { cwd, homeDir, env, files, config } = request;
  const project = request.project ?? findProject({ cwd, homeDir, files });
  const { repository, directory } = project;
  // A confined program cannot choose the commit by a `.git` that leads elsewhere.
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

/** Another clone at the same path has another inode or birth time. */
function identityOf(directory: string, files: FileReader): DirectoryIdentity {
  const facts = files.facts(directory);
  if (facts === undefined) throw new CachelaneError('E_USAGE', `there is no directory ${JSON.stringify(directory)}`);
  return { path: directory, identity: `${facts.dev}:${facts.ino}:${facts.birthtimeNs}` };
}

function slashes(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/');
}
