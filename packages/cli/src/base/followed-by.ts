/** A guess at what was meant ends with a question mark: what comes of it is a sentence of its own then. */
export function followedBy(problem: string, consequence: string): string {
  if (!problem.endsWith('?')) return `${problem}: ${consequence}`;
  return `${problem} ${consequence.charAt(0).toUpperCase()}${consequence.slice(1)}`;
}
