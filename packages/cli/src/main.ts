import packageJson from '../package.json' with { type: 'json' };

// The hot path of every run begins here: nothing is imported before it is needed.

const argv = process.argv.slice(2);
const versionFlags: readonly (string | undefined)[] = ['--version', '-V', 'version'];

if (argv.length === 1 && versionFlags.includes(argv[0])) {
  process.stdout.write(`cachelane ${packageJson.version}\n`);
} else {
  void start();
}

async function start(): Promise<void> {
  // Stands until the real one is known: a promise that nobody settles would let Node end with 0.
  process.exitCode = argv[0] === 'run' || argv[0] === 'shell' ? 125 : 1;
  const { drivers } = await import('./compose.ts');
  const { main } = await import('./cli.ts');
  const { processHost } = await import('./process-host.ts');
  // What the launcher tells us of how it was started is not for the command.
  const { _CACHELANE_IGNORED_SIGNALS: ignoredSignals, ...env } = process.env;
  const host = processHost({
    env,
    cwd: () => process.cwd(),
    nowMs: () => Date.now(),
    // `performance.now()` would load perf_hooks.
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
    pieces: drivers(env, { ignoredSignals }),
  });
  process.exit(await main(argv, host));
}
