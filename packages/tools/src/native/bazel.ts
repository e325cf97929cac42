import type { PathRule, Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { directoriesUp } from '../common/project-dirs.ts';
import { pathsOf } from '../common/paths.ts';
import { never, unionRule } from '../common/rules.ts';

/**
 * Bazel's disk cache, if a `--disk_cache` is configured. Results name contents stored beside them. If a content is missing, Bazel runs the
 * action again.
 */
export const bazelTool: Tool = {
  name: 'bazel',
  rulesVersion: 1,
  summary: "Bazel's disk cache (--disk_cache)",
  lockfiles: ['MODULE.bazel', 'WORKSPACE', 'WORKSPACE.bazel'],
  locate,
  // Only Bazel's own arguments end it.
  daemon: { what: 'its server', settings: {} },
  // Only the command line and .bazelrc set it.
  redirect: () => null,
  linksOut: false,
  compat: ({ os, arch }) => ({ os, arch }),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: {
    kind: 'none',
    why: 'Bazel collects this cache itself while it is idle (--experimental_disk_cache_gc_max_size), and has no command',
  },
  sync: 'always',
  versions: 'keys are digests of all inputs; the layout is that of the remote cache protocol',
  stored: [
    { path: 'cas/00/<64 hex>', what: 'contents by their digests', checked: 'when used' },
    { path: 'ac/00/<64 hex>', what: 'results of actions, with digests of their contents', checked: 'never' },
  ],
  neverStored: ['tmp/', 'gc/'],
  tried: 'fixture',
};

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  const [top] = path.split('/', 1);
  if (top === 'tmp') return never('temporary files');
  if (top === 'gc') return never("time of Bazel's last clean-up");
  if (isDirectory) return /^(?:ac|cas)(?:\/[0-9a-f]{2})?$/.test(path) ? unionRule : null;
  return /^(?:ac|cas)\/([0-9a-f]{2})\/\1[0-9a-f]{38,126}$/.test(path) ? unionRule : null;
}

/** The last file that Bazel reads wins; the user's comes after the workspace's. */
function locate(environment: ToolEnvironment): ToolLocation | null {
  const { isAbsolute, join } = pathsOf(environment);
  const markers = ['MODULE.bazel', 'WORKSPACE.bazel', 'WORKSPACE', 'REPO.bazel'];
  const root = directoriesUp(environment).find((dir) =>
    markers.some((name) => environment.readText(join(dir, name)) !== undefined),
  );
  const files = [
    { path: join(environment.homeDir, '.bazelrc'), byProject: false },
    ...(root === undefined ? [] : [{ path: join(root, '.bazelrc'), byProject: true }]),
  ];
  for (const { path: file, byProject } of files) {
    const lines = (environment.readText(file) ?? '').split(/\r?\n/);
    const values = lines.flatMap(
      (line) => /^\s*(?:build|common)\s(?:.*\s)?--disk_cache[=\s]"?([^\s"]+)"?/.exec(line)?.[1] ?? [],
    );
    const value = values.at(-1)?.replace(/^~(?=\/)/, environment.homeDir);
    if (value === undefined || !isAbsolute(value)) continue;
    const location = { path: value, source: `--disk_cache in ${file}` };
    return byProject ? { ...location, byProject } : location;
  }
  return null;
}
