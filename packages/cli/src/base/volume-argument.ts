import { CachelaneError, parseNamespace, parseVolumeName, type Namespace, type VolumeName } from '@cachelane/core';
import type { DefinedVolume } from '@cachelane/engine';

/** `npm`, `npm:/path`, `github.com/acme/web:npm` or `github.com/acme/web:data:/path` as an argument. */
export interface VolumeArgument {
  readonly namespace: Namespace | null;
  readonly name: VolumeName;
  /** As typed; null if there is none. */
  readonly path: string | null;
  /** The catalog definition; undefined if the volume is named directly. */
  readonly defined?: DefinedVolume | undefined;
  /**
   * The tool of a volume without a path whose name neither the project's file nor a tool knows. `directory`: the volume gets no real path,
   * for a caller that attaches nothing.
   */
  readonly tool?: string | undefined;
}

/**
 * Parses a volume argument. Names contain no slash, and neither names nor namespaces contain a colon: a first part with a slash is the
 * namespace, otherwise the name. The rest after the name is the path, with any colons.
 * Errors: E_USAGE, E_NAMESPACE, E_VOLUME.
 */
export function parseVolumeArgument(text: string): VolumeArgument {
  const [first, rest] = splitAtColon(text);
  if (!first.includes('/')) return { namespace: null, name: parseVolumeName(first), path: pathOf(rest, text) };
  if (rest === null || /^[./~]/.test(first)) {
    throw new CachelaneError('E_USAGE', `${JSON.stringify(text)} does not name a volume`, {
      hint: 'write NAME:PATH or NAMESPACE:NAME',
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
    hint: 'give a path, or omit the colon',
  });
}
