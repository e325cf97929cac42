import { closeSync, openSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, parse, resolve } from 'node:path';

/** The system-wide ssh configuration; its `Include`s are relative to its directory. */
const start = '/etc/ssh/ssh_config';
const folder = '/etc/ssh';

/** Far more than any distribution has. */
const filesMax = 32;

interface CopiedFile {
  /** Without symbolic links. */
  readonly path: string;
  /** Its content, positioned at the start. */
  readonly fd: number;
}

/** Files that a command sees as its own. Disposing closes the descriptors. */
export interface CopiedFiles extends Disposable {
  readonly files: readonly CopiedFile[];
}

/**
 * Returns copies of the files that the system's ssh configuration includes. In an ordinary user's namespace, root's files seem to belong to
 * nobody, and ssh refuses included files that belong to neither root nor the user: every clone over ssh would fail. An `ownUid` of
 * null means nothing to copy.
 */
export function copySshConfig(ownUid: number | null, config: string = start): CopiedFiles {
  const paths = ownUid === null || ownUid === 0 ? [] : includedFiles(config).filter((path) => ownerOf(path) !== ownUid);
  const files = paths.flatMap((path) => {
    try {
      return [{ path, fd: openSync(path, 'r') }];
    } catch {
      return [];
    }
  });
  return {
    files,
    [Symbol.dispose]() {
      for (const { fd } of files) closeSync(fd);
    },
  };
}

/** Returns all included files recursively, each once. */
export function includedFiles(config: string): readonly string[] {
  const found = new Set<string>();
  const queue = [config];
  for (let file = queue.shift(); file !== undefined && found.size < filesMax; file = queue.shift()) {
    for (const path of includesOf(file)) {
      if (found.has(path)) continue;
      found.add(path);
      queue.push(path);
    }
  }
  return [...found];
}

function includesOf(file: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  const patterns = [...text.matchAll(/^\s*Include[\s=]+(.*)$/gim)].flatMap(([, list = '']) =>
    [...list.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
  );
  // Files in the home (`~`) belong to the user.
  const others = patterns.filter((pattern) => pattern !== '' && !pattern.startsWith('~'));
  return others.flatMap((pattern) => filesLike(resolve(folder, pattern)));
}

/** Supports wildcards in the last part only, which suffices in practice. The first call of fs.globSync takes 20 ms. */
function filesLike(pattern: string): readonly string[] {
  const { dir, base } = parse(pattern);
  if (!/[*?]/.test(base)) return realFile(pattern);
  const escaped = base.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const name = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  try {
    const names = readdirSync(dir).filter((candidate) => !candidate.startsWith('.') && name.test(candidate));
    return names.toSorted().flatMap((found) => realFile(join(dir, found)));
  } catch {
    return [];
  }
}

function realFile(path: string): readonly string[] {
  try {
    const real = realpathSync(path);
    return statSync(real).isFile() ? [real] : [];
  } catch {
    return [];
  }
}

function ownerOf(path: string): number | null {
  try {
    return statSync(path).uid;
  } catch {
    return null;
  }
}
