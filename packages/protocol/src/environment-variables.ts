export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
}

/** What is longer is no setting, and would only make the request too large. */
const longestValue = 8192;

/** Of the whole environment, as JSON: what a request may have, with room for the rest of it. */
export const longestEnvironment = 250_000;

/** What it comes to in a request, in bytes. */
export function environmentBytes(variables: readonly EnvironmentVariable[]): number {
  return new TextEncoder().encode(JSON.stringify(variables)).length;
}

/** A program's environment as `openSession` takes it. */
export function environmentVariables(
  environment: Readonly<Record<string, string | undefined>>,
): readonly EnvironmentVariable[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || value.length > longestValue ? [] : [{ name, value }],
  );
}
