import type { Namespace } from './namespace.ts';
import { parsePlainDirectory } from './plain-directory.ts';
import { compatKey, type Compat, type VolumeName } from './volume.ts';

/** The initial contents of a volume, below all lanes. An attribute of a request, not part of the volume's identity. */
export type VolumeSeed =
  /** An absolute local path, in the form of {@link parseSeedDirectory}. `of` is a display name. */
  | { readonly kind: 'directory'; readonly directory: string; readonly of?: string }
  /** Another volume, as read through the same lanes. */
  | { readonly kind: 'volume'; readonly namespace: Namespace; readonly name: VolumeName; readonly compat: Compat };

/** Returns the seed's display name. */
export function seedText(seed: VolumeSeed): string {
  if (seed.kind === 'directory') return seed.of ?? seed.directory;
  const compat = compatKey(seed.compat);
  return `${seed.namespace}:${seed.name}${compat === '' ? '' : ` (${compat})`}`;
}

/** Does the same as {@link parsePlainDirectory}. Throws E_USAGE. */
export function parseSeedDirectory(text: string): string {
  return parsePlainDirectory(text, 'seed a volume from');
}
