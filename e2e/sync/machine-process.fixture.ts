import { writeSync } from 'node:fs';
import { writeCommit } from './commits.fixture.ts';
import { interfered, type Interference } from './interfere.fixture.ts';
import { openMachine } from './machine.fixture.ts';
import type { MachineOrder } from './machine-order.fixture.ts';
import { seededNumbers } from '../seeded.fixture.ts';

/** A machine: `node machine-process.fixture.ts ORDER`, with JSON. Prints `begun NAME` and `saved NAME` per commit, and `done` after the push. */
const order = JSON.parse(process.argv[2] ?? '') as MachineOrder;
const faults: readonly Interference[] = ['lose-request', 'lose-reply', 'twice', 'late-again'];

function decider({ faults: wanted, dies }: MachineOrder): ((number: number) => Interference | undefined) | null {
  if (dies !== null) return (number) => (number === dies.call ? dies.when : undefined);
  if (wanted === null) return null;
  const random = seededNumbers(wanted.seed);
  return () => (random() < wanted.rate ? faults[Math.floor(random() * faults.length)] : undefined);
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const decide = decider(order);
await using machine = await openMachine({
  dir: order.dir,
  address: order.address,
  env: process.env,
  ...(decide === null ? {} : { interfere: (remote) => interfered(remote, ({ number }) => decide(number)) }),
});

for (let number = order.from; number < order.to; number++) {
  const name = `${order.name}.${number}`;
  say(`begun ${name}`);
  const { volumes } = await machine.run((dirs) => {
    writeCommit(dirs, name);
  }, 'wait');
  const unsaved = volumes.filter(({ skipped, mounter }) => skipped !== null || mounter !== 'clone');
  if (unsaved.length > 0) throw new Error(`${name} was not saved: ${JSON.stringify(unsaved)}`);
  say(`saved ${name}`);
}
while ((await machine.push()) > 0) say('once more');
say('done');
