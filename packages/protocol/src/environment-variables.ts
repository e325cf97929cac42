export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
}

/** Longer values are not settings and would only enlarge the request. */
const longestValue = 8192;

/** The limit for the whole environment as JSON, which leaves room for the rest of a request. */
const longestEnvironment = 250_000;

/** Returns why the environment is too large for an engine, as display text; null if it fits. */
export function whyTooLarge(variables: readonly EnvironmentVariable[]): string | null {
  const bytes = new TextEncoder().encode(JSON.stringify(variables)).length;
  if (bytes <= longestEnvironment) return null;
  return `the environment has ${bytes} bytes, but an engine accepts at most ${longestEnvironment}`;
}

/** Returns a program's environment in the form of `openSession`. */
export function environmentVariables(
  environment: Readonly<Record<string, string | undefined>>,
): readonly EnvironmentVariable[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || value.length > longestValue ? [] : [{ name, value }],
  );
}
