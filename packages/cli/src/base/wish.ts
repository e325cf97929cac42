const words: ReadonlyMap<string, 'yes' | 'no'> = new Map([
  ...['1', 'true', 'yes', 'on'].map((word) => [word, 'yes'] as const),
  ...['0', 'false', 'no', 'off'].map((word) => [word, 'no'] as const),
]);

/** What a variable of the environment asks for, in large letters or small. Anything else than these words is no wish: a run must not fail for it. */
export function wishOf(value: string | undefined): 'yes' | 'no' | null {
  return words.get(value?.toLowerCase() ?? '') ?? null;
}
