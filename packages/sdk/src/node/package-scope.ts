import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CachelaneError } from '../errors/errors.ts';

/** `import.meta` of a module that is a file. */
export interface ModuleMeta {
  readonly url: string;
}

/** Returns `['npm', NAME]` for the nearest package.json with a name. Errors: E_USAGE if there is none. */
export function packageScope({ url }: ModuleMeta): readonly [string, string] {
  if (!url.startsWith('file:')) throw nameless(url);
  let dir = dirname(fileURLToPath(url));
  for (;;) {
    const name = nameIn(join(dir, 'package.json'));
    if (name !== null) return ['npm', name];
    const above = dirname(dir);
    if (above === dir) throw nameless(url);
    dir = above;
  }
}

function nameIn(file: string): string | null {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { readonly name?: unknown };
    return typeof name === 'string' && name !== '' ? name : null;
  } catch {
    // A missing or unreadable file is skipped, as in Node.
    return null;
  }
}

function nameless(url: string): CachelaneError {
  return new CachelaneError('E_USAGE', `${url} does not belong to a package with a name`, {
    hint: 'pass names: engine.scope("npm", NAME)',
  });
}
