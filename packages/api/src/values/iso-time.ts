/** Formats a `DateTime` of the schema. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
