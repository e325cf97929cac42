import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/**
 * Returns an absolute path without `.`, `..` and doubled slashes; it need not exist. `use` is its purpose, such as
 * `seed a volume from`. Throws E_USAGE.
 */
export function parsePlainDirectory(text: string, use: string): string {
  const shown = JSON.stringify(text.slice(0, 200));
  const refuse = (why: string, hint: string): CachelaneError =>
    new CachelaneError('E_USAGE', `cannot ${use} ${shown}: ${why}`, { hint });
  if (!text.startsWith('/')) throw refuse('it is not absolute', 'name it from the root: /home/ann/.npm');
  if (new TextEncoder().encode(text).length > limits.pathBytes)
    throw refuse(`it is over ${limits.pathBytes} bytes long`, 'name a shorter one');
  if (text.includes('\0')) throw refuse('it contains a NUL character', 'leave it out');
  const names = text.split('/').slice(1);
  if (names.at(-1) === '') names.pop();
  if (names.length === 0) throw refuse('it is the root directory', 'name the cache directory');
  const isPlain = names.every((name) => name !== '' && name !== '.' && name !== '..');
  if (!isPlain) throw refuse('it is not a plain path', 'remove ., .. and doubled slashes');
  return `/${names.join('/')}`;
}
