import { seededNumbers } from '../seeded.fixture.ts';
import { startMachine, type MachineOrder } from './machine-order.fixture.ts';

export interface HardLife {
  readonly seed: number;
  /** How many of its commits it does not live to the end of, about. */
  readonly killRate: number;
  readonly env: Readonly<Record<string, string>>;
}

export interface LivedLife {
  /** Commits that it said are saved, first to last. */
  readonly saved: readonly string[];
  readonly kills: number;
}

type Work = Omit<MachineOrder, 'from' | 'faults' | 'dies'> & { readonly faultRate: number };

/** A machine that is killed at moments that the seed decides, and started again until the remote has all of its commits. */
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
        // The one before took longer, on a machine that had more to do.
        if (dying !== undefined) child.kill('SIGKILL');
      }
      if (what === 'done') isDone = true;
    }
    clearTimeout(dying);
    if (child.signalCode === 'SIGKILL') kills++;
  }
  return { saved, kills };
}
