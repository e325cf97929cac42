import type { Tool } from '@cachelane/core';
import { bunTool } from './bun.ts';
import { ccacheTool } from './ccache.ts';
import { directoryTool } from './directory.ts';
import { goBuildTool } from './go-build.ts';
import { goModTool } from './go-mod.ts';
import { npmTool } from './npm.ts';
import { pipTool } from './pip.ts';
import { pnpmTool } from './pnpm.ts';
import { yarnTool } from './yarn.ts';

/** Every tool, in the order in which they are listed and attached; the rule for unknown directories is the last. */
export const tools: readonly Tool[] = [
  npmTool,
  pnpmTool,
  bunTool,
  yarnTool,
  goBuildTool,
  goModTool,
  pipTool,
  ccacheTool,
  directoryTool,
];

/** The tool of this name, or the rule for unknown directories: compare `name` to tell. */
export function findTool(name: string): Tool {
  return tools.find((tool) => tool.name === name) ?? directoryTool;
}

/** Tools that a project with these files uses, in the order of {@link tools}. */
export function detectTools(fileNames: Iterable<string>): readonly Tool[] {
  const present = new Set(fileNames);
  return tools.filter(({ lockfiles }) => lockfiles.some((name) => present.has(name)));
}
