import { readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { limits, type Tool, type ToolEnvironment } from '@cachelane/core';
import { isWithin } from '../base/mount-points.ts';

export interface DetectionRequest {
  readonly tools: readonly Tool[];
  readonly environment: ToolEnvironment;
  /** Lockfiles are searched from the working directory up to here, and in parts of the project below it. */
  readonly topDir: string;
}

export interface DetectedTool {
  readonly tool: Tool;
  /** Relative to the working directory. */
  readonly lockfile: string;
}

/** Returns the tools whose lockfiles the project has, in the tools' order. */
export function detectLockfiles({ tools, environment, topDir }: DetectionRequest): readonly DetectedTool[] {
  const above = directoriesUp(environment.workDir, topDir);
  let below: readonly string[] | undefined;
  return tools.flatMap((tool) => {
    if (tool.lockfiles.length === 0 || tool.locate(environment) === null) return [];
    const lockfile =
      lockfileIn(above, tool) ?? lockfileOfPart((below ??= partsBelow(environment, topDir)), tool, environment);
    return lockfile === undefined ? [] : [{ tool, lockfile: relative(environment.workDir, lockfile) }];
  });
}

/** Returns why tools with lockfiles here get no cache, for messages. */
export function whyNothing({ tools, environment, topDir }: DetectionRequest): string | undefined {
  const above = directoriesUp(environment.workDir, topDir);
  const used = tools.filter((tool) => lockfileIn(above, tool) !== undefined);
  return used.map((tool) => tool.whyNowhere?.(environment)).find((why) => why !== undefined);
}

function lockfileIn(dirs: readonly string[], tool: Tool): string | undefined {
  return dirs.flatMap((dir) => tool.lockfiles.map((name) => join(dir, name))).find(isFile);
}

/** Only if the tool's cache has the same place for both directories. */
function lockfileOfPart(parts: readonly string[], tool: Tool, environment: ToolEnvironment): string | undefined {
  const here = tool.locate(environment)?.path;
  const same = parts.filter((dir) => lockfileIn([dir], tool) !== undefined);
  return lockfileIn(
    same.filter((workDir) => tool.locate({ ...environment, workDir })?.path === here),
    tool,
  );
}

/** Nearest first. Only the working directory if `topDir` is not above it. */
function directoriesUp(workDir: string, topDir: string): readonly string[] {
  const dirs = [workDir];
  if (!isWithin(workDir, topDir)) return dirs;
  for (let dir = workDir; dir !== topDir && dir !== dirname(dir);) {
    dir = dirname(dir);
    dirs.push(dir);
  }
  return dirs;
}

/** Directories of tools, dependencies, tests and examples. */
const notOfTheProject: ReadonlySet<string> = new Set([
  'bower_components',
  'build',
  'dist',
  'examples',
  'fixtures',
  'node_modules',
  'out',
  'target',
  'test',
  'testdata',
  'tests',
  'third_party',
  'vendor',
  'venv',
]);

/**
 * Returns directories below the working directory that may contain parts of the project, nearest first. Returns none outside a project and in
 * a home directory.
 */
function partsBelow({ workDir, homeDir }: ToolEnvironment, topDir: string): readonly string[] {
  if (workDir === homeDir || !isRepository(topDir)) return [];
  const parts: string[] = [];
  let level = [workDir];
  for (let depth = 0; depth < limits.partsDepth && level.length > 0; depth++) {
    const room = limits.partsLookedInto - parts.length;
    level = firstIn(level, room);
    parts.push(...level);
  }
  return parts;
}

/** Returns subdirectories up to a limit, since each lookup costs time. */
function firstIn(dirs: readonly string[], room: number): string[] {
  const found: string[] = [];
  for (const dir of dirs) {
    for (const path of directoriesIn(dir)) {
      if (found.length === room) return found;
      if (!isClone(path)) found.push(path);
    }
  }
  return found;
}

function directoriesIn(dir: string): readonly string[] {
  return readDirectory(dir)
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !notOfTheProject.has(entry.name))
    .map(({ name }) => join(dir, name))
    .toSorted();
}

function readDirectory(dir: string): ReturnType<typeof readEntries> {
  try {
    return readEntries(dir);
  } catch {
    return [];
  }
}

function readEntries(dir: string) {
  return readdirSync(dir, { withFileTypes: true });
}

/** A clone of another project. Submodules have a file instead. */
function isClone(dir: string): boolean {
  return statSync(join(dir, '.git'), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isRepository(dir: string): boolean {
  return statSync(join(dir, '.git'), { throwIfNoEntry: false }) !== undefined;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
