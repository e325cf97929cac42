import { readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { limits, type Tool, type ToolEnvironment } from '@cachelane/core';
import { isWithin } from '../base/mount-points.ts';

export interface DetectionRequest {
  readonly tools: readonly Tool[];
  readonly environment: ToolEnvironment;
  /** Lockfiles are looked for from the working directory up to here, and in the parts of the project below it. */
  readonly topDir: string;
}

export interface DetectedTool {
  readonly tool: Tool;
  /** From the working directory. */
  readonly lockfile: string;
}

/** Tools that the lockfiles of a project ask for, in their order. */
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

/** Why nothing is cached of tools whose lockfiles lie here; for people. */
export function whyNothing({ tools, environment, topDir }: DetectionRequest): string | undefined {
  const above = directoriesUp(environment.workDir, topDir);
  const used = tools.filter((tool) => lockfileIn(above, tool) !== undefined);
  return used.map((tool) => tool.whyNowhere?.(environment)).find((why) => why !== undefined);
}

function lockfileIn(dirs: readonly string[], tool: Tool): string | undefined {
  return dirs.flatMap((dir) => tool.lockfiles.map((name) => join(dir, name))).find(isFile);
}

/** Only where the tool keeps its cache at one place, whether it is called here or in the part. */
function lockfileOfPart(parts: readonly string[], tool: Tool, environment: ToolEnvironment): string | undefined {
  const here = tool.locate(environment)?.path;
  const same = parts.filter((dir) => lockfileIn([dir], tool) !== undefined);
  return lockfileIn(
    same.filter((workDir) => tool.locate({ ...environment, workDir })?.path === here),
    tool,
  );
}

/** The nearest first. Only the working directory where `topDir` is not above it. */
function directoriesUp(workDir: string, topDir: string): readonly string[] {
  const dirs = [workDir];
  if (!isWithin(workDir, topDir)) return dirs;
  for (let dir = workDir; dir !== topDir && dir !== dirname(dir);) {
    dir = dirname(dir);
    dirs.push(dir);
  }
  return dirs;
}

/** What tools put there, what is somebody else's, and what a project is tried and shown with. */
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
 * Directories below the working directory in which a part of the project may lie, the nearest first. None of a directory
 * that nobody made a project, or that is somebody's home: what lies there has nothing to do with a command there.
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

/** Directories in these, no more than so many: a look at each is what costs. */
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

/** The repository of another project; a submodule has a file there. */
function isClone(dir: string): boolean {
  return statSync(join(dir, '.git'), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isRepository(dir: string): boolean {
  return statSync(join(dir, '.git'), { throwIfNoEntry: false }) !== undefined;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
