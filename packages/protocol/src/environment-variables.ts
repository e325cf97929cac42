export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
}

/** What is longer is no setting, and would only make the request too large. */
const longestValue = 8192;

/** Of the whole environment, as JSON: what a request may have, with room for the rest of it. */
const longestEnvironment = 250_000;

/** Why it does not go to an engine, for people; null where it does. */
export function whyTooLarge(variables: readonly EnvironmentVariable[]): string | null {
  const bytes = new TextEncoder().encode(JSON.stringify(variables)).length;
  if (bytes <= longestEnvironment) return null;
  return `the environment comes to ${bytes} bytes, and ${longestEnvironment} at most go to an engine`;
}

/** A program's environment as `openSession` takes it. */
export function environmentVariables(
  environment: Readonly<Record<string, string | undefined>>,
): readonly EnvironmentVariable[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || value.length > longestValue ? [] : [{ name, value }],
  );
}
