import type { Tool } from '@cachelane/core';
import { aptTool } from './native/apt.ts';
import { bazelTool } from './native/bazel.ts';
import { bunTool } from './javascript/bun.ts';
import { cargoGitTool } from './rust/cargo-git.ts';
import { cargoRegistryTool } from './rust/cargo-registry.ts';
import { cargoTargetTool } from './rust/cargo-target.ts';
import { ccacheTool } from './native/ccache.ts';
import { directoryTool } from './common/directory.ts';
import { goBuildTool } from './go/go-build.ts';
import { goModTool } from './go/go-mod.ts';
import { gradleTool } from './jvm/gradle.ts';
import { mavenTool } from './jvm/maven.ts';
import { npmTool } from './javascript/npm.ts';
import { nxTool } from './javascript/nx.ts';
import { pipTool } from './python/pip.ts';
import { pnpmTool } from './javascript/pnpm.ts';
import { sccacheTool } from './native/sccache.ts';
import { turboTool } from './javascript/turbo.ts';
import { uvTool } from './python/uv.ts';
import { yarnTool } from './javascript/yarn.ts';

/** All tools in the order of listing and attaching. The rule for unknown directories is last. */
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

/** Returns the tool with this name, or the rule for unknown directories. */
export function findTool(name: string): Tool {
  return tools.find((tool) => tool.name === name) ?? directoryTool;
}

/** Returns the tools that a project with these files uses, in the order of {@link tools}. */
export function detectTools(fileNames: Iterable<string>): readonly Tool[] {
  const present = new Set(fileNames);
  return tools.filter(({ lockfiles }) => lockfiles.some((name) => present.has(name)));
}
