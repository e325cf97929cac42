export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
}

/** What is longer is no setting, and would only make the request too large. */
const longestValue = 8192;

/** A program's environment as `openSession` takes it. */
export function environmentVariables(
  environment: Readonly<Record<string, string | undefined>>,
): readonly EnvironmentVariable[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || value.length > longestValue ? [] : [{ name, value }],
  );
}
