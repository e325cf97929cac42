import type { Namespace } from './namespace.ts';
import { parsePlainDirectory } from './plain-directory.ts';
import { compatKey, type Compat, type VolumeName } from './volume.ts';

/** What lies below everything else that is read of a volume. An attribute of a request, never part of the volume's identity. */
export type VolumeSeed =
  /** Absolute, on this machine, as {@link parseSeedDirectory} gives it. `of`: what people know it by, where that is something else. */
  | { readonly kind: 'directory'; readonly directory: string; readonly of?: string }
  /** What a reader of the same lanes finds of another volume. */
  | { readonly kind: 'volume'; readonly namespace: Namespace; readonly name: VolumeName; readonly compat: Compat };

/** For people. */
export function seedText(seed: VolumeSeed): string {
  if (seed.kind === 'directory') return seed.of ?? seed.directory;
  const compat = compatKey(seed.compat);
  return `${seed.namespace}:${seed.name}${compat === '' ? '' : ` (${compat})`}`;
}

/** As {@link parsePlainDirectory}. Throws E_USAGE. */
export function parseSeedDirectory(text: string): string {
  return parsePlainDirectory(text, 'seed a volume from');
}
