import type { Teller, Told } from './teller.ts';

export const projects: readonly string[] = ['shop', 'blog'];

const together = 8;

/** A run that would go on without a cache must not pass for one that had it. */
function run(project: string, script: string): Told {
  return { project, argv: ['run', '--strict', '-v', 'data:cache', '--', 'sh', '-c', script] };
}

/** Each step depends on what those before it left. */
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
  teller.moral('each project has a volume "data" of its own: the name of the project is part of its name');
}

async function atOnce(teller: Teller): Promise<void> {
  teller.chapter(`${together} runs at once`);
  const jobs = Array.from({ length: together }, (_, index) => index + 1).map((job) =>
    // Each waits for all the others, so that they do run at once.
    run(
      'shop',
      `touch ../ready/${job}; until [ $(ls ../ready | wc -l) -eq ${together} ]; do sleep 0.1; done; echo done > cache/job-${job}`,
    ),
  );
  await teller.callTogether(jobs);
  await teller.call({ ...run('shop', 'ls cache | grep -c job-'), prints: String(together) });
  teller.moral(`all ${together} are there: what runs save at once is merged, and nothing is overwritten`);
}

async function failing(teller: Teller): Promise<void> {
  teller.chapter('A run that fails half-way');
  await teller.call({ ...run('shop', 'echo half > cache/half; exit 7'), exitCode: 7 });
  await teller.call({ ...run('shop', 'ls cache | grep -c half || true'), prints: '0' });
  teller.moral('the exit code is that of the command, and half of its work is not kept');
}

async function goingBack(teller: Teller): Promise<void> {
  teller.chapter('A run that saved what it should not have');
  await teller.call(run('shop', 'rm cache/job-*; echo broken > cache/note'));
  await teller.call({ ...run('shop', 'cat cache/note; ls cache | grep -c job- || true'), prints: 'broken\n0' });
  await teller.call({ project: 'shop', argv: ['rollback', 'data', '--dry-run'] });
  await teller.call({ project: 'shop', argv: ['rollback', 'data'] });
  await teller.call({
    ...run('shop', 'cat cache/note; ls cache | grep -c job-'),
    prints: `made for shop\n${together}`,
  });
  await teller.call({ project: 'shop', argv: ['log', 'data'] });
  teller.moral('the volume is what it was before that run, and its history shows both');
}
