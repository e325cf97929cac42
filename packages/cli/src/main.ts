import packageJson from '../package.json' with { type: 'json' };

// The hot path of every run begins here: nothing is imported before it is needed.

const argv = process.argv.slice(2);

if (argv.length === 1 && argv[0] === '--version') {
  process.stdout.write(`cachelane ${packageJson.version}\n`);
} else {
  void start();
}

async function start(): Promise<void> {
  // Stands until the real one is known: a promise that nobody settles would let Node end with 0.
  process.exitCode = argv[0] === 'run' || argv[0] === 'shell' ? 125 : 1;
  const { drivers } = await import('./compose/compose.ts');
  const { main } = await import('./app/cli.ts');
  const { processHost } = await import('./app/process-host.ts');
  // What the launcher tells us of how it was started is not for the command.
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
 * Node waits for what its threads ask the file system, also when it is to exit, and one whose server is gone never answers. So another program takes the place of this one,
 * threads and all, and ends with our code. Returns where there is no such program.
 */
function exitNow(code: number): void {
  try {
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {});
  } catch {
    // No shell: then we wait.
  }
}
