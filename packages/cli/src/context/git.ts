import { basename, dirname, join, resolve } from 'node:path';
import type { FileReader } from '../base/file-reader.ts';
import { type GitConfigEntry, parseGitConfig } from './git-config.ts';
import { isShared, isTrusted } from './ownership.ts';

interface GitRemote {
  readonly name: string;
  /** As configured, with relative paths made absolute. May contain a password: show it through `redactUrl` only. */
  readonly url: string;
}

export interface GitRepository {
  /** Root of the work tree, absolute. */
  readonly root: string;
  /** Directory of HEAD: `.git`, or a directory below another repository for worktrees and submodules. */
  readonly gitDir: string;
  /** Shared by all worktrees: configuration and branches. */
  readonly commonDir: string;
  /** The checked-out branch; null on a detached HEAD. */
  readonly branch: string | null;
  /** The remote that names the project; null if none has a url. */
  readonly remote: GitRemote | null;
  /** HEAD's commit id; null before the first commit and if refs are not stored as files. */
  readonly revision: string | null;
}

/**
 * Returns the repository whose work tree contains `directory` (absolute, real), or null. Reads files instead of running git: faster, works
 * without git, and accepts directories of other owners, since nothing is executed.
 *
 * Ignores GIT_DIR and its siblings: in git's hooks they name the same repository, and set by hand they would give a directory two
 * names. Ignores `include`, `includeIf` and `insteadOf`: they are a person's settings, and a name must be the same for all.
 */
export function findRepository(directory: string, files: FileReader): GitRepository | null {
  for (let root = directory; ; root = dirname(root)) {
    // In a shared directory (/tmp) anyone can leave a `.git`.
    if (root !== directory && isShared(root, directory, files)) return null;
    const gitDir = gitDirOf(root, files);
    if (gitDir !== null && isTrusted(join(root, '.git'), directory, files)) return readRepository(root, gitDir, files);
    if (root === dirname(root)) return null;
  }
}

function gitDirOf(root: string, files: FileReader): string | null {
  const entry = join(root, '.git');
  const kind = files.facts(entry)?.kind;
  if (kind === 'file') {
    const target = /^gitdir: (.+?)\s*$/.exec(files.readText(entry, 65_536) ?? '')?.[1];
    if (target === undefined) return null;
    const gitDir = resolve(root, target);
    return files.exists(join(gitDir, 'HEAD')) ? gitDir : null;
  }
  return kind === 'directory' && files.exists(join(entry, 'HEAD')) ? entry : null;
}

function readRepository(root: string, gitDir: string, files: FileReader): GitRepository {
  const common = files.readText(join(gitDir, 'commondir'), 65_536)?.trim();
  const commonDir = common === undefined || common === '' ? gitDir : resolve(gitDir, common);
  const config = parseGitConfig(files.readText(join(commonDir, 'config')) ?? '');
  const head = files.readText(join(gitDir, 'HEAD'), 65_536)?.trim() ?? '';
  const headRef = symbolicRef(head);
  const branch = headRef?.startsWith('refs/heads/') === true ? headRef.slice('refs/heads/'.length) : null;
  const remote = chooseRemote(config, branch);
  // Relative remotes resolve against the main work tree, so that all worktrees share a name.
  const urlBase = basename(commonDir) === '.git' ? dirname(commonDir) : root;
  return {
    root,
    gitDir,
    commonDir,
    branch,
    remote: remote === null ? null : { name: remote.name, url: absoluteUrl(remote.url, urlBase) },
    revision: resolveCommit(head, { gitDir, commonDir }, files),
  };
}

/** Returns `origin`, else the remote of the current branch, else the first one with a url. */
function chooseRemote(config: readonly GitConfigEntry[], branch: string | null): GitRemote | null {
  const urls = remoteUrls(config);
  const followed = config.findLast(
    (entry) => entry.section === 'branch' && entry.subsection === branch && entry.name === 'remote',
  )?.value;
  for (const name of ['origin', followed ?? '', ...urls.keys()]) {
    const url = urls.get(name)?.[0];
    if (url !== undefined) return { name, url };
  }
  return null;
}

/** Returns urls by remote in file order. git fetches from the first one; an empty url clears the list. */
function remoteUrls(config: readonly GitConfigEntry[]): ReadonlyMap<string, readonly string[]> {
  const urls = new Map<string, string[]>();
  for (const { section, subsection, name, value } of config) {
    if (section !== 'remote' || subsection === null || name !== 'url' || value === null) continue;
    const list = urls.get(subsection) ?? [];
    if (value === '') list.length = 0;
    else list.push(value);
    urls.set(subsection, list);
  }
  return urls;
}

/** Urls, the scp form, helpers and Windows paths have a colon before any slash, or begin with backslashes. */
function absoluteUrl(url: string, base: string): string {
  return /^(?:\/|\\\\|[^/]*:)/.test(url) ? url : resolve(base, url);
}

/** Returns the ref that HEAD or another symbolic ref names; null for a commit id and for a name that leaves the directory. */
function symbolicRef(text: string): string | null {
  const ref = /^ref:\s*(refs\/\S+)$/.exec(text)?.[1];
  return ref === undefined || ref.split('/').includes('..') ? null : ref;
}

/** Git's limit on symbolic refs. */
const refDepth = 5;

function resolveCommit(
  head: string,
  dirs: { readonly gitDir: string; readonly commonDir: string },
  files: FileReader,
): string | null {
  let text: string | undefined = head;
  for (let depth = 0; depth < refDepth && text !== undefined; depth++) {
    const commit = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.exec(text)?.[0];
    if (commit !== undefined) return commit;
    const ref = symbolicRef(text);
    if (ref === null) return null;
    // A worktree keeps its own refs (bisect, rebase) beside its HEAD; branches and tags are shared.
    const loose: string | undefined =
      files.readText(join(dirs.gitDir, ref), 65_536) ?? files.readText(join(dirs.commonDir, ref), 65_536);
    text = loose?.trim() ?? packedCommit(files.readText(join(dirs.commonDir, 'packed-refs')) ?? '', ref);
  }
  return null;
}

function packedCommit(packedRefs: string, ref: string): string | undefined {
  const at = `\n${packedRefs.replaceAll('\r', '')}`;
  const end = at.indexOf(` ${ref}\n`);
  return end < 0 ? undefined : at.slice(at.lastIndexOf('\n', end) + 1, end);
}
