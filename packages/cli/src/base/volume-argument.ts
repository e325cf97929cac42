import { CachelaneError, parseNamespace, parseVolumeName, type Namespace, type VolumeName } from '@cachelane/core';
import type { DefinedVolume } from '@cachelane/engine';

/** `npm`, `npm:/path`, `github.com/acme/web:npm`, `github.com/acme/web:data:/path` as typed after `-v` or as VOLUME. */
export interface VolumeArgument {
  readonly namespace: Namespace | null;
  readonly name: VolumeName;
  /** As typed; null where there is none. */
  readonly path: string | null;
  /** By which definition of a catalog it is asked for; left out: by its name. */
  readonly defined?: DefinedVolume | undefined;
  /** The tool of a volume without a path whose name neither the project's file nor a tool knows. */
  readonly tool?: string | undefined;
}

/**
 * Neither namespaces nor names hold a colon and names hold no slash, so the first part tells the form: with a slash it is
 * a namespace, without one it is the volume's name, and whatever follows the name is the path, colons included.
 * Errors: E_USAGE, E_NAMESPACE, E_VOLUME.
 */
export function parseVolumeArgument(text: string): VolumeArgument {
  const [first, rest] = splitAtColon(text);
  if (!first.includes('/')) return { namespace: null, name: parseVolumeName(first), path: pathOf(rest, text) };
  if (rest === null || /^[./~]/.test(first)) {
    throw new CachelaneError('E_USAGE', `${JSON.stringify(text)} names no volume`, {
      hint: 'give a name before the path (NAME:PATH) or after the namespace (NAMESPACE:NAME)',
    });
  }
  const [name, path] = splitAtColon(rest);
  return { namespace: parseNamespace(first), name: parseVolumeName(name), path: pathOf(path, text) };
}

function splitAtColon(text: string): readonly [string, string | null] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, null] : [text.slice(0, colon), text.slice(colon + 1)];
}

function pathOf(path: string | null, text: string): string | null {
  if (path !== '') return path;
  throw new CachelaneError('E_USAGE', `${JSON.stringify(text)} has an empty path`, {
    hint: 'leave the colon out, or give a path',
  });
}
