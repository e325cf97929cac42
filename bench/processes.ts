import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Receives stdout. It is a file, so that no byte passes through this process. */
  readonly outputFile?: string;
}

/** Runs a process to its end and returns the milliseconds. Throws if it fails. */
export function timed(argv: readonly string[], options: ProcessOptions = {}): number {
  const output = options.outputFile === undefined ? null : openSync(options.outputFile, 'w');
  try {
    const started = process.hrtime.bigint();
    const result = start(argv, options, output ?? 'ignore');
    const ms = Number(process.hrtime.bigint() - started) / 1e6;
    check(argv, result);
    return ms;
  } finally {
    if (output !== null) closeSync(output);
  }
}

/** Returns the trimmed stdout. Throws if the command fails. */
export function textOf(argv: readonly string[], options: ProcessOptions = {}): string {
  const result = start(argv, options, 'pipe');
  check(argv, result);
  return result.stdout.toString().trim();
}

export function hasCommand(name: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', name], { stdio: 'ignore' }).status === 0;
}

function start(
  [command = '', ...args]: readonly string[],
  { cwd, env }: ProcessOptions,
  output: number | 'ignore' | 'pipe',
): SpawnSyncReturns<Buffer> {
  return spawnSync(command, args, {
    stdio: ['ignore', output, 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...env } }),
  });
}

function check(argv: readonly string[], result: SpawnSyncReturns<Buffer>): void {
  if (result.error !== undefined) throw new Error(`${argv[0]}: ${result.error.message}`);
  if (result.status === 0) return;
  const end = result.signal ?? `exit code ${result.status}`;
  throw new Error(`${argv.join(' ')}: ${end}\n${result.stderr.toString().slice(-4000)}`);
}
