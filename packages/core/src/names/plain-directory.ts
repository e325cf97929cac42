import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/**
 * A path that says where it leads: absolute, without `.`, `..` and doubled slashes. Whether something is there is not looked at. `use` says what a volume wants it for:
 * `seed a volume from`. Throws E_USAGE.
 */
export function parsePlainDirectory(text: string, use: string): string {
  const shown = JSON.stringify(text.slice(0, 200));
  const refuse = (why: string, hint: string): CachelaneError =>
    new CachelaneError('E_USAGE', `${shown} is no directory to ${use}: ${why}`, { hint });
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
