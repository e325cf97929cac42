/** Returns the TypeScript examples of a document or of doc comments, in order. Each is a module. */
export function examplesIn(text: string): readonly string[] {
  const plain = text.replaceAll(/^ *\* ?/gm, '');
  return [...plain.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = '']) => code);
}
