import type { Teller, Told } from './teller.ts';

export const projects: readonly string[] = ['shop', 'blog'];

const together = 8;

/** Uses --strict, so that a run without a cache fails. */
function run(project: string, script: string): Told {
  return { project, argv: ['run', '--strict', '-v', 'data:cache', '--', 'sh', '-c', script] };
}

/** Each step depends on the ones before. */
export async function tell(teller: Teller): Promise<void> {
  await apart(teller);
  await atOnce(teller);
  await failing(teller);
  await goingBack(teller);
}

async function apart(teller: Teller): Promise<void> {
  teller.chapter('Two projects, one name for a volume');
  await teller.call(run('shop', 'echo made for shop > cache/note'));
  await teller.call({ ...run('blog', 'ls cache | wc -l'), prints: '0' });
  await teller.call({ ...run('shop', 'cat cache/note'), prints: 'made for shop' });
  teller.moral('each project has its own volume "data": the project is part of the volume\'s name');
}

async function atOnce(teller: Teller): Promise<void> {
  teller.chapter(`${together} runs at once`);
  const jobs = Array.from({ length: together }, (_, index) => index + 1).map((job) =>
    // Each job waits for the others, so that all run at once.
    run(
      'shop',
      `touch ../ready/${job}; until [ $(ls ../ready | wc -l) -eq ${together} ]; do sleep 0.1; done; echo done > cache/job-${job}`,
    ),
  );
  await teller.callTogether(jobs);
  await teller.call({ ...run('shop', 'ls cache | grep -c job-'), prints: String(together) });
  teller.moral(`all ${together} are there: results of concurrent runs are merged, and nothing is overwritten`);
}

async function failing(teller: Teller): Promise<void> {
  teller.chapter('A run that fails halfway');
  await teller.call({ ...run('shop', 'echo half > cache/half; exit 7'), exitCode: 7 });
  await teller.call({ ...run('shop', 'ls cache | grep -c half || true'), prints: '0' });
  teller.moral('the exit code is the command’s, and its incomplete work is not saved');
}

async function goingBack(teller: Teller): Promise<void> {
  teller.chapter('A run that saved bad files');
  await teller.call(run('shop', 'rm cache/job-*; echo broken > cache/note'));
  await teller.call({ ...run('shop', 'cat cache/note; ls cache | grep -c job- || true'), prints: 'broken\n0' });
  await teller.call({ project: 'shop', argv: ['rollback', 'data', '--dry-run'] });
  await teller.call({ project: 'shop', argv: ['rollback', 'data'] });
  await teller.call({
    ...run('shop', 'cat cache/note; ls cache | grep -c job-'),
    prints: `made for shop\n${together}`,
  });
  await teller.call({ project: 'shop', argv: ['log', 'data'] });
  teller.moral('the volume is as before that run, and its history shows both');
}
