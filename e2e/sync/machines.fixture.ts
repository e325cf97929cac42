import { seededNumbers } from '../seeded.fixture.ts';
import { startMachine, type MachineOrder } from './machine-order.fixture.ts';

export interface HardLife {
  readonly seed: number;
  /** The approximate rate of commits that are killed. */
  readonly killRate: number;
  readonly env: Readonly<Record<string, string>>;
}

export interface LivedLife {
  /** Commits that it reported as saved, oldest first. */
  readonly saved: readonly string[];
  readonly kills: number;
}

type Work = Omit<MachineOrder, 'from' | 'faults' | 'dies'> & { readonly faultRate: number };

/** Runs a machine, kills it at moments from the seed, and restarts it until the remote has all its commits. */
export async function liveThrough(work: Work, { seed, killRate, env }: HardLife): Promise<LivedLife> {
  const random = seededNumbers(seed);
  const saved: string[] = [];
  const { faultRate, ...order } = work;
  let kills = 0;
  let commitMs = 300;
  for (let isDone = false; !isDone;) {
    const faults = faultRate === 0 ? null : { seed: seed + 1000 * kills, rate: faultRate };
    const { child, lines } = startMachine({ ...order, from: saved.length, faults, dies: null }, env);
    let begunMs = 0;
    let dying: NodeJS.Timeout | undefined;
    for await (const line of lines) {
      const [what, name = ''] = line.split(' ');
      if (what === 'begun') {
        begunMs = performance.now();
        if (random() < killRate) dying = setTimeout(() => child.kill('SIGKILL'), random() * commitMs);
      }
      if (what === 'saved') {
        saved.push(name);
        commitMs = performance.now() - begunMs;
        // The previous process took longer on a busier machine.
        if (dying !== undefined) child.kill('SIGKILL');
      }
      if (what === 'done') isDone = true;
    }
    clearTimeout(dying);
    if (child.signalCode === 'SIGKILL') kills++;
  }
  return { saved, kills };
}
