import type { PathRule, Tool } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { never, unionRule } from '../common/rules.ts';

const archives = '/var/cache/apt/archives';

/** Packages that apt downloaded. Container images often have a hook (`docker-clean`) that removes them after each run. */
export const aptTool: Tool = {
  name: 'apt',
  rulesVersion: 1,
  summary: "apt's downloads of packages",
  // No project file shows that apt is used.
  lockfiles: [],
  // Only if apt is installed and no setting moves the directory.
  locate: (environment) =>
    environment.os === 'linux' && environment.readText('/etc/debian_version') !== undefined
      ? { path: archives, source: "apt's default" }
      : null,
  // Only apt's files and command line set the directory.
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
    removes: 'packages missing from the lists of apt; all packages if there are no lists (apt-get update)',
  },
  // A mirror is as near as a remote, and its packages are signed.
  losesFiles: true,
  sync: 'never',
  versions: 'package names carry their versions',
  stored: [{ path: 'bash_5.2.37-2_amd64.deb', what: 'packages', checked: 'when used' }],
  neverStored: ['lock', 'partial/'],
  tried: 'real tool',
};

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  if (path === 'lock') return never('a lock file');
  if (/^partial(?:\/|$)/.test(path)) return never('unfinished downloads');
  // `bash_5.2.37-2+b5_amd64.deb`: a published version never changes.
  return !isDirectory && /^[^/_]+_[^/_]+_[^/_]+\.deb$/.test(path) ? unionRule : null;
}
