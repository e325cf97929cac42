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
  const { drivers } = await import('./compose.ts');
  const { main } = await import('./cli.ts');
  const { processHost } = await import('./process-host.ts');
  const env = { ...process.env };
  const host = processHost({
    env,
    cwd: () => process.cwd(),
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    pieces: drivers(env),
  });
  process.exit(await main(argv, host));
}
