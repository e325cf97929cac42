import { resolve } from 'node:path';
import { CachelaneError, isCachelaneError } from '@cachelane/core';
import { errorText } from '../base/error-text.ts';
import { exitCodeOf } from '../base/exit-codes.ts';
import { writeFault } from '../base/file-fault.ts';
import { followedBy } from '../base/followed-by.ts';
import type { Host } from '../host/host.ts';
import { openReporter } from '../reporters/choose.ts';
import type { WrittenReport } from '../base/report-file.ts';
import { whereToRun } from '../host/working-directory.ts';
import { bareReport, commandEnv } from './bare.ts';
import { die, exitAs } from './exit-as.ts';
import { runOnce, type CommandEnd } from './once.ts';
import type { RunOptions } from './run-options.ts';
import type { Run } from './run-state.ts';
import type { CommandPhase } from './command-phase.ts';
import { watchSignals } from './signals.ts';

interface Ended {
  readonly end: CommandEnd;
  readonly report: WrittenReport;
}

/** Runs the command once, with its caches if possible, and returns the exit code. Throws E_USAGE only. */
export async function runFlow(options: RunOptions, host: Host): Promise<number> {
  const where = whereToRun(host, options.directory);
  const { env, stderr: output, clock } = host;
  const reporter = await openReporter({
    name: options.reporter,
    quiet: options.quiet,
    verbose: options.verbose,
    env,
    output,
    clock,
  });
  const phase: CommandPhase = { state: 'not-started' };
  using watch = watchSignals(host.signals, phase);
  const once = runOnce(await host.pieces.openRuntime(), { phase, abort: watch.abort, isShell: options.isShell });
  const run: Run = { options, host, where, reporter, once, phase, watch, known: { context: null, volumes: [] } };
  try {
    const { end, report } = await cachedOrBare(run);
    await writeReportFile(run, report);
    return watch.stoppedBy === null ? exitAs(host, end) : die(host, watch.stoppedBy);
  } catch (error) {
    if (watch.stoppedBy !== null && once.end() === null) return die(host, watch.stoppedBy);
    host.stderr.write(errorText(error));
    return exitCodeOf(error, 'run');
  } finally {
    reporter.close();
  }
}

/** Throws errors that must end the run: all with `--strict`, and those after the command's start. */
async function cachedOrBare(run: Run): Promise<Ended> {
  const { options, phase, watch, once } = run;
  try {
    const { runCached } = await import('./run-cached.ts');
    const result = await runCached(run);
    return result.kind === 'cached' ? { end: result.end, report: result.report } : await runBare(run, result.why);
  } catch (error) {
    const end = once.end();
    const isStopped = watch.abort.aborted;
    // Ctrl-C during a save is no failure: the command has ended, and the user drops its changes.
    // Invalid flags always end the run, even if they show only once the volumes are known.
    const isStrict = options.strict || isCachelaneError(error, 'E_USAGE');
    const isFatal = end === null ? isStrict || isStopped || phase.state !== 'not-started' : isStrict && !isStopped;
    if (isFatal) throw error;
    warn(run, error, end === null ? withoutCaches(error) : 'what the command changed is not saved');
    return end === null
      ? await runBare(run, messageOf(error))
      : { end, report: bareReport(run.known, end, messageOf(error)) };
  }
}

/** A user who asked for a lock must know that the command runs without it. */
function withoutCaches(error: unknown): string {
  return isCachelaneError(error, 'E_LOCKED')
    ? 'the command runs without the lock and its volumes'
    : 'the command runs without a cache';
}

async function runBare(run: Run, why: string): Promise<Ended> {
  const { options, host, where } = run;
  const outcome = await run.once.runtime.run({
    argv: options.argv,
    cwd: where.dir,
    env: commandEnv(host, where, run.known.context),
    mounts: [],
    leaseFile: null,
  });
  if (outcome.kind === 'not-started') {
    throw new CachelaneError('E_INTERNAL', `a command without volumes was not started: ${outcome.reason}`);
  }
  return { end: outcome, report: bareReport(run.known, outcome, why) };
}

async function writeReportFile(run: Run, report: WrittenReport): Promise<void> {
  const { report: file } = run.options;
  if (file === undefined) return;
  const path = resolve(run.where.dir, file);
  try {
    const { writeReport } = await import('../base/report-file.ts');
    writeReport(path, report);
  } catch (error) {
    // The work is saved, so a missing report is no failure.
    const { why, hint } = writeFault(path, error);
    const message = `cannot write the report to ${path}: ${why}`;
    run.reporter.event({ type: 'warning', code: 'E_USAGE', message, hint });
  }
}

function warn(run: Run, error: unknown, consequence: string): void {
  const known = isCachelaneError(error);
  run.reporter.event({
    type: 'warning',
    code: known ? error.code : 'E_INTERNAL',
    message: followedBy(messageOf(error), consequence),
    hint: known ? (error.hint ?? null) : null,
  });
}

function messageOf(error: unknown): string {
  if (isCachelaneError(error)) return error.message;
  return `a bug in cachelane (${error instanceof Error ? error.message : String(error)})`;
}
