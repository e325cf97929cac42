import packageJson from '../package.json' with { type: 'json' };

// The start of every run: import modules only when they are needed.

const argv = process.argv.slice(2);

if (argv.length === 1 && argv[0] === '--version') {
  process.stdout.write(`cachelane ${packageJson.version}\n`);
} else {
  void start();
}

async function start(): Promise<void> {
  // Replaced by the real code. Node would exit with 0 if a promise never settles.
  process.exitCode = argv[0] === 'run' || argv[0] === 'shell' ? 125 : 1;
  const { drivers } = await import('./compose/compose.ts');
  const { main } = await import('./app/cli.ts');
  const { processHost } = await import('./app/process-host.ts');
  // A variable of the launcher, which the command must not see.
  const { _CACHELANE_IGNORED_SIGNALS: ignoredSignals, ...env } = process.env;
  const abandoned = new Set<Promise<unknown>>();
  const onAbandoned = (work: Promise<unknown>): void => {
    abandoned.add(work);
    const forget = (): boolean => abandoned.delete(work);
    work.then(forget, forget);
  };
  const host = processHost({
    env,
    cwd: () => process.cwd(),
    nowMs: () => Date.now(),
    // `performance.now()` would load perf_hooks.
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
    pieces: drivers(env, { ignoredSignals, onAbandoned }),
  });
  const code = await main(argv, host);
  if (abandoned.size > 0) exitNow(code);
  process.exit(code);
}

/**
 * Replaces this process by a program that exits with our code, because Node waits for file system calls even on exit, and a dead server never
 * answers. Returns if there is no such program.
 */
function exitNow(code: number): void {
  try {
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {});
  } catch {
    // No shell: wait.
  }
}
