import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describe, tried, type FuzzOutcome } from '../packages/store/src/fuzz/fuzz.fixture.ts';
import { targets } from '../packages/store/src/fuzz/targets.fixture.ts';
import { fuzzWatched } from '../packages/store/src/fuzz/watched.fixture.ts';

const names = Object.keys(targets);

const usage = `npm run fuzz [-- OPTIONS]
  --target NAMES  of ${names.join(',')}; all by default
  --seconds N     for each target, 60 by default
  --seed N        repeats the run with this seed; a new seed by default
  --input FILE    tries only this input, with one target
A failing input is reduced and written to .build/fuzz/TARGET-DIGEST. Fix the bug, then keep the input in packages/store/src/fuzz/kept.
`;

const failuresDir = join(import.meta.dirname, '../.build/fuzz');
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: names.join(',') },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(process.hrtime.bigint() % 1_000_000_000n) },
      input: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const wanted = values.target.split(',');
  const [seed, seconds] = [Number(values.seed), Number(values.seconds)];
  const isWrong = wanted.some((name) => !names.includes(name)) || !(seconds > 0) || !Number.isSafeInteger(seed);
  if (values.help || isWrong || (values.input !== undefined && wanted.length !== 1)) {
    say(usage);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  if (values.input !== undefined) return await readOne(wanted[0] ?? '', values.input);
  for (const target of wanted) {
    say(`${target}: --seed ${seed} --seconds ${seconds}`);
    const module = new URL('../packages/store/src/fuzz/targets.fixture.ts', import.meta.url).href;
    report(target, await fuzzWatched({ module, target, seed, seconds, runs: Number.MAX_SAFE_INTEGER }));
  }
}

function report(target: string, { inputs, accepted, refused, failure }: FuzzOutcome): void {
  say(`  ${inputs} inputs, ${accepted} accepted`);
  for (const [why, count] of Object.entries(refused).toSorted(([, a], [, b]) => b - a)) say(`  ${count} x ${why}`);
  if (failure === null) return;
  mkdirSync(failuresDir, { recursive: true });
  const file = join(failuresDir, `${target}-${hash('sha256', failure.input).slice(0, 12)}`);
  writeFileSync(file, failure.input);
  say(`  FAILED: ${failure.message}\n  ${failure.input.length} bytes in ${file}`);
  process.exitCode = 1;
}

async function readOne(name: string, file: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-fuzz-'));
  try {
    const target = await targets[name]?.({ seed: 1, dir });
    if (target === undefined) return;
    say((await tried(target, readFileSync(file))) ?? 'accepted');
  } catch (error) {
    say(`FAILED: ${describe(error)}`);
    process.exitCode = 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

await main();
