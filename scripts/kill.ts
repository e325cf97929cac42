import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stress } from '../e2e/stress/stress.fixture.ts';
import { orUsage } from './or-usage.ts';

const usage = `npm run kill [-- OPTIONS]: runs random operations in several processes on one home and kills the processes at random
  --ops N      operations of all processes together, 10000 by default
  --workers N  concurrent processes, 8 by default
  --kills N    kills in a hundred operations, approximately, 4 by default
  --seed N     selects the operations; a new seed by default
  --dir DIR    the directory for homes, /var/tmp by default; a run that fails keeps its home, with a list of its operations
`;

const root = join(import.meta.dirname, '..');

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      ops: { type: 'string', default: '10000' },
      workers: { type: 'string', default: '8' },
      kills: { type: 'string', default: '4' },
      seed: { type: 'string', default: String(process.hrtime.bigint() % 1_000_000n) },
      dir: { type: 'string', default: '/var/tmp' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [operations, workers, seed] = [Number(values.ops), Number(values.workers), Number(values.seed)];
  const kills = Number(values.kills);
  const isWrong = [operations, workers].some((count) => !(Number.isSafeInteger(count) && count >= 1));
  if (values.help || isWrong || !Number.isSafeInteger(seed) || !(kills >= 0)) {
    process.stdout.write(usage);
    return values.help ? 0 : 2;
  }
  // The launcher builds first, not in eight processes at once.
  const launcher = join(root, 'cachelane');
  spawnSync(launcher, ['--version'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const dir = realpathSync(mkdtempSync(join(values.dir, 'cachelane-stress-')));
  process.stdout.write(`--ops ${operations} --workers ${workers} --kills ${kills} --seed ${seed}, in ${dir}\n`);
  const {
    faults,
    figures,
    operations: told,
  } = await stress({
    dir,
    seed,
    workers,
    operations,
    killsPerHundred: kills,
    cachelane: [launcher],
  });
  process.stdout.write(`${[...figures, ...faults.map((fault) => `FAULT: ${fault}`)].join('\n')}\n`);
  process.stdout.write(`${faults.length} faults\n`);
  if (faults.length > 0) {
    writeFileSync(join(dir, 'operations.json'), JSON.stringify(told, null, 1));
    return 1;
  }
  rmSync(dir, { recursive: true, force: true });
  return 0;
}

process.exit(await orUsage(usage, main));
