import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Returns the declarations that the entries need, by path in the package: `x.d.ts` beside `x.js`. Throws if one needs another package. */
export function declarations(dir: string, entries: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const look = (file: string): void => {
    const name = relative(dir, file);
    if (found.has(name)) return;
    const text = readFileSync(file, 'utf8');
    found.set(
      name,
      text.replace(specifiers, (whole, before: string, path: string) => `${before}${path}.js'`),
    );
    for (const [, , path = ''] of text.matchAll(specifiers)) look(join(dirname(file), `${path}.d.ts`));
    const foreign = /\bfrom '(?!\.)([^']+)'|\bimport\('(?!\.)([^']+)'\)/.exec(withoutComments(text));
    if (foreign !== null) throw new Error(`${name} needs ${foreign[1] ?? foreign[2]}`);
  };
  for (const entry of entries) look(join(dir, `${entry}.d.ts`));
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function withoutComments(text: string): string {
  return text.replace(/^ *\/\*\*[^]*?\*\/\n/gm, '');
}

const specifiers = /(\b(?:from |import\()')(\.{1,2}\/[^']+)\.ts'/g;
