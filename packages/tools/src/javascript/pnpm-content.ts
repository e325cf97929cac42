import { parentPath, type BytePath } from '@cachelane/core';

/** A file of a package, as both formats of pnpm's index describe it. */
export interface PackageFile {
  /** Digest of the content, in hex. */
  readonly digest: string;
  readonly mode: number;
}

/** Returns the files of a package and those that its build scripts added; null if nothing lists them. Throws what `toFile` throws. */
export function filesOfPackage(
  described: unknown,
  toFile: (file: unknown) => PackageFile,
): readonly PackageFile[] | null {
  const { files, sideEffects } = Object(described) as { readonly files?: unknown; readonly sideEffects?: unknown };
  if (typeof files !== 'object' || files === null) return null;
  const built = Object.values(Object(sideEffects) as object).map((effects) => Object(effects) as { added?: unknown });
  const lists = [files, ...built.map(({ added }) => Object(added) as object)];
  return lists.flatMap((list) => Object.values(list).map(toFile));
}

/** Returns the path of a content in a pnpm store. Executables are stored separately. `store` is the versioned directory. */
export function pnpmContentPath(store: BytePath, { digest, mode }: PackageFile): BytePath {
  const suffix = (mode & 0o111) === 0 ? '' : '-exec';
  const path = `files/${digest.slice(0, 2)}/${digest.slice(2)}${suffix}`;
  return (store === '' ? path : `${store}/${path}`) as BytePath;
}

/** Returns `v10` for `v10/index/ab/cdef.json`; the root if the volume is that directory. */
export function ancestor(path: BytePath, levels: number): BytePath {
  return levels === 0 ? path : ancestor(parentPath(path), levels - 1);
}
