import { CachelaneError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Namespace } from './namespace.ts';
import { compatKey, type Compat, type VolumeName } from './volume.ts';

/** What lies below everything else that is read of a volume. An attribute of a request, never part of the volume's identity. */
export type VolumeSeed =
  /** Absolute, on this machine, as {@link parseSeedDirectory} gives it. */
  | { readonly kind: 'directory'; readonly directory: string }
  /** What a reader of the same lanes finds of another volume. */
  | { readonly kind: 'volume'; readonly namespace: Namespace; readonly name: VolumeName; readonly compat: Compat };

/** For people. */
export function seedText(seed: VolumeSeed): string {
  if (seed.kind === 'directory') return seed.directory;
  const compat = compatKey(seed.compat);
  return `${seed.namespace}:${seed.name}${compat === '' ? '' : ` (${compat})`}`;
}

/** A path that says where it leads: absolute, without `.`, `..` and doubled slashes. Whether something is there is not looked at. Throws E_USAGE. */
export function parseSeedDirectory(text: string): string {
  const shown = JSON.stringify(text.slice(0, 200));
  const refuse = (why: string, hint: string): CachelaneError =>
    new CachelaneError('E_USAGE', `${shown} is no directory to seed a volume from: ${why}`, { hint });
  if (!text.startsWith('/')) throw refuse('it is not absolute', 'name it from the root: /home/ann/.npm');
  if (new TextEncoder().encode(text).length > limits.pathBytes)
    throw refuse(`it is over ${limits.pathBytes} bytes long`, 'name a shorter one');
  if (text.includes('\0')) throw refuse('it has a character that no path has', 'leave it out');
  const names = text.split('/').slice(1);
  if (names.at(-1) === '') names.pop();
  if (names.length === 0) throw refuse('it is all of the machine', 'name the cache itself');
  const isPlain = names.every((name) => name !== '' && name !== '.' && name !== '..');
  if (!isPlain) throw refuse('it does not lead straight to where it ends', 'leave out ., .. and doubled slashes');
  return `/${names.join('/')}`;
}
