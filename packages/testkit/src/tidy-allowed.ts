/** Files that read clock, randomness or environment themselves, and why they may: they implement the port, or start. */
export const worldAllowed: ReadonlyMap<string, string> = new Map([
  ['packages/testkit/src/require-commands.ts', 'looks for the commands on the PATH of the test run'],
]);
