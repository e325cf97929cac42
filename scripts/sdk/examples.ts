/** Pieces of TypeScript in a document or in doc comments, in their order; each is a module of its own. */
export function examplesIn(text: string): readonly string[] {
  const plain = text.replaceAll(/^ *\* ?/gm, '');
  return [...plain.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = '']) => code);
}
