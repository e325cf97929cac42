import type { BytePath, MergeDriver } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';
import { isOversize } from '../drivers/pick.ts';
import { ancestor, filesOfPackage, pnpmContentPath, type PackageFile } from './pnpm-content.ts';
import { hexOfBase64, toText } from '../drivers/text.ts';

interface Described {
  /** Without the times at which pnpm last checked the files. */
  readonly text: string;
  readonly files: readonly PackageFile[];
}

const byLength = newestDriver({
  name: 'newest',
  parse(content) {
    const described = describe(content);
    // Grows when build scripts add files on a platform.
    return described === null ? null : { stamp: BigInt(described.text.length), rest: described.text };
  },
  stampMatters: true,
  clock: null,
});

/** `index/…/<package>.json` of pnpm's store v10: the file list of a package. */
export const pnpmPackageDriver: MergeDriver = {
  ...byLength,
  close(version, path, has) {
    const described = isOversize(version) ? null : describe(version.content());
    if (described === null) return null;
    const store = storeOf(path);
    return described.files.every((file) => has(pnpmContentPath(store, file))) ? null : new Uint8Array();
  },
};

function storeOf(path: BytePath): BytePath {
  // `index/ab/cdef.json`, or `<address of a repository>/integrity.json`.
  return ancestor(path, /(?:^|\/)index\/[0-9a-f]{2}\/[^/]+$/.test(path) ? 3 : 2);
}

function describe(content: Uint8Array): Described | null {
  try {
    const parsed: unknown = JSON.parse(toText(content), (key, value: unknown) =>
      key === 'checkedAt' ? undefined : value,
    );
    const files = filesOfPackage(parsed, toFile);
    return files === null ? null : { text: JSON.stringify(parsed), files };
  } catch {
    return null;
  }
}

function toFile(value: unknown): PackageFile {
  const { integrity, mode } = Object(value) as { readonly integrity?: unknown; readonly mode?: unknown };
  const [, base64] = /^sha512-(.+)$/.exec(String(integrity)) ?? [];
  const digest = base64 === undefined ? null : hexOfBase64(base64);
  if (digest === null || typeof mode !== 'number') throw new Error('not a file description');
  return { digest, mode };
}
