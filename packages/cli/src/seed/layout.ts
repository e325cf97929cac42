import { unknownToolName, type Tool } from '@cachelane/core';

/** Number of path segments below the root that identify a tool's cache: `_cacache/index-v5`. */
const knownNames = 2;

/**
 * Returns a pattern for the first names below a tool's cache; a match starts right behind the root. Returns null for a tool without such names.
 * The names come from {@link Tool.stored}, with any number for digits.
 */
export function layoutOf({ name, stored }: Pick<Tool, 'name' | 'stored'>): RegExp | null {
  if (name === unknownToolName) return null;
  const starts = stored.map(({ path }) => path.split('/').slice(0, knownNames));
  // A single plain name could belong to anything.
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
