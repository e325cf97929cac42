const words: ReadonlyMap<string, 'yes' | 'no'> = new Map([
  ...['1', 'true', 'yes', 'on'].map((word) => [word, 'yes'] as const),
  ...['0', 'false', 'no', 'off'].map((word) => [word, 'no'] as const),
]);

/** Parses an environment variable as yes or no, in any case. Other values are ignored, so that a run does not fail. */
export function wishOf(value: string | undefined): 'yes' | 'no' | null {
  return words.get(value?.toLowerCase() ?? '') ?? null;
}
