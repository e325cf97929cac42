/** Joins problem and consequence. A problem that ends with a question mark gets a separate sentence. */
export function followedBy(problem: string, consequence: string): string {
  if (!problem.endsWith('?')) return `${problem}: ${consequence}`;
  return `${problem} ${consequence.charAt(0).toUpperCase()}${consequence.slice(1)}`;
}
