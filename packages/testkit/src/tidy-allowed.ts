/** Files that may read clock, randomness or environment themselves, with the reason: they implement the port, or start a program. */
export const worldAllowed: ReadonlyMap<string, string> = new Map([
  ['packages/sdk/src/node.ts', 'a program asks for an engine in its own environment and directory'],
  ['packages/sdk/src/volume/new-key.ts', 'a change of a program gets a name that no other one has, on any platform'],
  ['packages/testkit/src/require-commands.ts', 'looks for the commands on the PATH of the test run'],
  ['packages/testkit/src/use-disk.ts', 'changes where the test run keeps its files'],
  ['packages/testkit/src/remotes/radosgw.ts', 'makes a cluster that no other test knows, with daemons from the PATH'],
  ['packages/testkit/src/remotes/signed-request.ts', 'servers refuse a signature that is not of now'],
]);
