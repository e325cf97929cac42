/**
 * Returns paragraphs from others as one comment. They cannot end it or start a tag. `deprecated` becomes a tag for
 * editors and linters.
 */
export function comment(
  paragraphs: readonly string[],
  { indent = '', deprecated = null }: { readonly indent?: string; readonly deprecated?: string | null } = {},
): string {
  const texts = paragraphs.filter((text) => text !== '').map((text) => harmless(text, /^(\s*)@/gm));
  // After a tag, other tags could start in the middle of a line.
  if (deprecated !== null) texts.push(`@deprecated ${harmless(deprecated, /(^|\s)@/gm)}`);
  const lines = texts.join('\n\n').split('\n');
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

function harmless(text: string, tags: RegExp): string {
  return text
    .replaceAll(otherLineEnds, '\n')
    .replaceAll(turning, '')
    .replaceAll(tags, String.raw`$1\@`)
    .replaceAll('*/', String.raw`*\/`);
}

const otherLineEnds = /\r\n?|[\u2028\u2029]/g;

/** Characters that make code look different from what it does. */
const turning = /[\u202a-\u202e\u2066-\u2069]/g;

/** Returns a string literal of any text. */
export function quoted(text: string): string {
  const json = JSON.stringify(text.replaceAll(turning, '')).slice(1, -1);
  // Tools older than JSON in JavaScript treat these as line ends.
  const inner = json.replaceAll('\u2028', String.raw`\u2028`).replaceAll('\u2029', String.raw`\u2029`);
  return `'${inner.replaceAll(String.raw`\"`, '"').replaceAll("'", String.raw`\'`)}'`;
}

/** In an interface, `new(): T` is not a method. */
export function methodKey(method: string): string {
  return method === 'new' ? "'new'" : method;
}
