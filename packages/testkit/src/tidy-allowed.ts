/** Files that may read clock, randomness or environment themselves, with the reason: they implement the port, or start a program. */
export const worldAllowed: ReadonlyMap<string, string> = new Map([
  ['packages/sdk/src/node.ts', 'a program finds its engine through its environment and directory'],
  ['packages/sdk/src/volume/new-key.ts', 'each change needs a unique name, on any platform'],
  ['packages/testkit/src/require-commands.ts', 'looks for the commands on the PATH of the test run'],
  ['packages/testkit/src/use-disk.ts', 'changes where the test run keeps its files'],
  ['packages/testkit/src/remotes/radosgw.ts', 'makes a cluster for one test, with daemons from the PATH'],
  ['packages/testkit/src/remotes/signed-request.ts', 'servers refuse signatures with an old time'],
]);
