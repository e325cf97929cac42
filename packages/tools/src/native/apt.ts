import type { PathRule, Tool } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { never, unionRule } from '../common/rules.ts';

const archives = '/var/cache/apt/archives';

/** Packages that apt downloaded. Images for containers often have a hook that removes them after each run (`docker-clean`). */
export const aptTool: Tool = {
  name: 'apt',
  rulesVersion: 1,
  summary: "apt's downloads of packages",
  // No project says that it uses apt.
  lockfiles: [],
  // Only where there is apt, and nobody told it otherwise.
  locate: (environment) =>
    environment.os === 'linux' && environment.readText('/etc/debian_version') !== undefined
      ? { path: archives, source: "apt's default" }
      : null,
  // The directory is a setting of apt's files and command line only.
  redirect: () => null,
  linksOut: false,
  compat: ({ os, arch }) => ({ os, arch }),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: {
    kind: 'command',
    argv: ['apt-get', 'autoclean'],
    removes: 'packages that the lists of apt do not have any more; without lists (apt-get update), all',
  },
  // A mirror is as near as any store of ours, and its packages are signed.
  losesFiles: true,
  sync: 'never',
  versions: 'packages carry their versions, whatever apt fetched them',
  stored: [{ path: 'bash_5.2.37-2_amd64.deb', what: 'packages', checked: 'when used' }],
  neverStored: ['lock', 'partial/'],
  tried: 'real tool',
};

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  if (path === 'lock') return never('a lock file');
  if (/^partial(?:\/|$)/.test(path)) return never('downloads that were not finished');
  // `bash_5.2.37-2+b5_amd64.deb`: a version is never published again with other contents.
  return !isDirectory && /^[^/_]+_[^/_]+_[^/_]+\.deb$/.test(path) ? unionRule : null;
}
