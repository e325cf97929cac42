import { unknownToolName, type Tool } from '@cachelane/core';

/** Of what a tool stores, this many names from the cache's root are enough to know it: `_cacache/index-v5`. */
const knownNames = 2;

/**
 * Finds the first names that a tool gives what it stores, wherever a path has them: the match stands right behind the cache's root. Null for
 * a tool without names of its own. Paths are those of {@link Tool.stored}, where digits stand for any.
 */
export function layoutOf({ name, stored }: Pick<Tool, 'name' | 'stored'>): RegExp | null {
  if (name === unknownToolName) return null;
  const starts = stored.map(({ path }) => path.split('/').slice(0, knownNames));
  // A single plain name may be anybody's.
  const telling = starts.filter((names) => names.length === knownNames || names.join().includes('<'));
  if (telling.length === 0) return null;
  const patterns = new Set(telling.map((names) => names.map(pattern).join('/')));
  return new RegExp(`(?:^|(?<=/))(?:${[...patterns].join('|')})(?=/|$)`);
}

function pattern(name: string): string {
  return name
    .split(/(<\d+ hex>)/)
    .map((part) => {
      const count = /^<(\d+) hex>$/.exec(part)?.[1];
      if (count !== undefined) return `[0-9a-f]{${count}}`;
      if (/^0{1,2}$/.test(part)) return `[0-9a-f]{${part.length}}`;
      return part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replace(/\d+/g, String.raw`\d+`);
    })
    .join('');
}
