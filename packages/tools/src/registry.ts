import type { Tool } from '@cachelane/core';
import { aptTool } from './apt.ts';
import { bazelTool } from './bazel.ts';
import { bunTool } from './bun.ts';
import { cargoGitTool } from './cargo-git.ts';
import { cargoRegistryTool } from './cargo-registry.ts';
import { cargoTargetTool } from './cargo-target.ts';
import { ccacheTool } from './ccache.ts';
import { directoryTool } from './directory.ts';
import { goBuildTool } from './go-build.ts';
import { goModTool } from './go-mod.ts';
import { gradleTool } from './gradle.ts';
import { mavenTool } from './maven.ts';
import { npmTool } from './npm.ts';
import { nxTool } from './nx.ts';
import { pipTool } from './pip.ts';
import { pnpmTool } from './pnpm.ts';
import { sccacheTool } from './sccache.ts';
import { turboTool } from './turbo.ts';
import { uvTool } from './uv.ts';
import { yarnTool } from './yarn.ts';

/** Every tool, in the order in which they are listed and attached; the rule for unknown directories is the last. */
export const tools: readonly Tool[] = [
  npmTool,
  goBuildTool,
  goModTool,
  pnpmTool,
  bunTool,
  yarnTool,
  pipTool,
  uvTool,
  cargoRegistryTool,
  cargoGitTool,
  cargoTargetTool,
  ccacheTool,
  sccacheTool,
  mavenTool,
  gradleTool,
  bazelTool,
  turboTool,
  nxTool,
  aptTool,
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
