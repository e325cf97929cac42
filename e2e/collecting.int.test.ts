import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { requireCommands } from '@cachelane/testkit';
import { beforeEach, expect, inject, test } from 'vitest';
import { openWorld, type FinishedRun, type World } from './cli.fixture.ts';

// Stores stay small without help: policies, reports about evictions, and a full disk.

const dayMs = 86_400_000;
let world: World;
let project: string;

beforeEach(() => {
  world = openWorld();
  project = world.project('web', { 'cachelane.yaml': 'namespace: github.com/acme/web\n' });
  return () => world[Symbol.dispose]();
});

const pullRequest = {
  GITLAB_CI: 'true',
  CI_PIPELINE_SOURCE: 'merge_request_event',
  CI_MERGE_REQUEST_IID: '12',
  CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: 'feat',
  CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main',
  CI_DEFAULT_BRANCH: 'main',
  CI_PROJECT_ID: '7',
  CI_MERGE_REQUEST_PROJECT_ID: '7',
  CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '7',
};

async function run(script: string, env: Readonly<Record<string, string>> = {}): Promise<FinishedRun> {
  const options = ['-v', 'data:cache', '--strict'];
  return await world.run(['sh', '-ec', `mkdir -p cache; ${script}`], { cwd: project, options, env });
}

/** Makes everything in the store this much older. */
function age(ms: number): void {
  using db = new DatabaseSync(join(world.store, 'state.db'));
  db.exec(`UPDATE heads SET updated_ms = updated_ms - ${ms}, used_ms = used_ms - ${ms}, earliest_ms = earliest_ms - ${ms};
    UPDATE looks SET at_ms = at_ms - ${ms};
    UPDATE history SET at_ms = at_ms - ${ms};
    UPDATE own_directories SET gone_since_ms = gone_since_ms - ${ms}`);
  const layers = join(world.store, 'layers');
  for (const layer of readdirSync(layers)) {
    const file = join(layers, layer, 'layer.json');
    const about = JSON.parse(readFileSync(file, 'utf8')) as { readonly sealedAtMs: number };
    writeFileSync(file, JSON.stringify({ ...about, sealedAtMs: about.sealedAtMs - ms }));
  }
}

interface Collected {
  readonly evictions: readonly { readonly kind: string; readonly lane: string; readonly policy: string }[];
  readonly layers: readonly unknown[];
}

async function gc(...argv: readonly string[]): Promise<Collected> {
  return (await world.json(['gc', ...argv])) as Collected;
}

function layersLeft(): number {
  return readdirSync(join(world.store, 'layers')).length;
}

function ownFile(text: string): void {
  world.write({ 'home/.config/cachelane/config.yaml': text });
  execFileSync('chmod', ['-R', 'go-w', join(world.home, '.config')]);
}

requireCommands('bwrap')('retention policies', () => {
  test('gc evicts what the dry run listed, and the next run, its report and explain say why the volume is cold', async () => {
    await run('echo pr > cache/a', pullRequest);
    await run('echo own > cache/b');
    age(4 * dayMs);
    const dry = await gc('--dry-run');
    expect(dry.evictions).toMatchObject([{ kind: 'head', lane: 't1:pr:12', policy: 'keep-pr' }]);
    expect(layersLeft()).toBe(2);
    const { evictions, layers } = await gc();
    expect({ evictions, layers }).toEqual({ evictions: dry.evictions, layers: dry.layers });
    expect(layersLeft()).toBe(1);

    const explained = await world.cachelane(['explain', '--verbose', 'data:cache'], { cwd: project, env: pullRequest });
    expect(explained.stdout).toMatch(/^kept: +3d after its last use \(keep-pr, default\)$/m);
    expect(explained.stdout).toMatch(/^evicted: +t1:pr:12 by policy keep-pr on \d{4}-.*: not used for 3d$/m);
    const cold = await run('ls cache', pullRequest);
    expect(cold.stdout).toBe('');
    expect(cold.stderr).toMatch(
      /started empty because its contents were evicted: t1:pr:12 by policy keep-pr on .*: not used for 3d/,
    );
    expect(cold.volume('data').evicted).toMatchObject({ lane: 't1:pr:12', policy: 'keep-pr', why: 'not used for 3d' });
    expect((await run('cat cache/b')).stdout).toBe('own\n');
  });

  test('a run that only reads keeps its layers from eviction', async () => {
    await run('echo pr > cache/a', pullRequest);
    age(2 * dayMs);
    expect((await run('cat cache/a', pullRequest)).stdout).toBe('pr\n');
    age(2 * dayMs);
    expect((await gc('--dry-run')).evictions).toEqual([]);
  });

  test('a repository can shorten the retention of its own lanes only', async () => {
    await run('echo pr > cache/a', { ...pullRequest, CI_MERGE_REQUEST_IID: '13' });
    writeFileSync(
      join(project, 'cachelane.yaml'),
      'namespace: github.com/acme/web\npolicy: { keep-pr: 1d, keep-branch: 90d }\n',
    );
    await run('echo pr > cache/a', pullRequest);
    age(2 * dayMs);
    expect((await gc()).evictions).toMatchObject([{ lane: 't1:pr:12', policy: 'keep-pr' }]);
  });

  test('a project without a remote is evicted a week after its directory is gone', async () => {
    const other = world.project('other');
    await world.run(['sh', '-c', 'mkdir cache; echo x > cache/x'], { cwd: other, options: ['-v', 'data:cache'] });
    age(9 * dayMs);
    expect((await gc()).evictions).toEqual([]);
    execFileSync('rm', ['-r', other]);
    expect((await gc()).evictions).toEqual([]);
    age(8 * dayMs);
    expect((await gc()).evictions).toMatchObject([{ policy: 'keep-gone' }]);
    expect(await world.json(['ns', 'ls'])).toEqual([]);
  });
});

requireCommands('bwrap')('size limits', () => {
  test('over the limit, every run skips its save and names the limit', async () => {
    ownFile('policy:\n  store-size: 1MB\n');
    const finished = await run('head -c 2000000 /dev/urandom > cache/big');
    expect(finished.code).toBe(0);
    expect(finished.volume('data')).toMatchObject({ layer: null, savedBytes: 0 });
    expect(finished.stderr).toMatch(/not saved: the store takes more than 1MB \(policy store-size, .*config\.yaml:2\)/);
    await run('echo small > cache/small');
    expect((await run('ls cache')).stdout).toBe('small\n');
  });

  test('the least recently used lanes are evicted until the store is under the limit, except for the floor', async () => {
    await run('head -c 600000 /dev/urandom > cache/a', pullRequest);
    await run('head -c 600000 /dev/urandom > cache/b');
    age(dayMs);
    ownFile('policy: { store-size: 100kB }\n');
    const said = await world.cachelane(['gc']);
    expect(said.stdout).toMatch(
      /^github\.com\/acme\/web:data +t1:pr:12 +all .* store-size: the store takes more than 100kB$/m,
    );
    expect(said.stdout).toMatch(/^store-size is exceeded by 500 kB: .+$/m);
    expect((await run('ls cache')).stdout).toBe('b\n');
  });
});

requireCommands('bwrap')('in the background', () => {
  test('a run that saves starts a collection, at most once an hour', async () => {
    await run('echo pr > cache/a', pullRequest);
    await run('echo own > cache/b');
    expect(existsSync(join(world.store, 'reserve'))).toBe(true);
    age(4 * dayMs);
    await run('echo more > cache/c');
    expect(layersLeft()).toBe(3);
    writeFileSync(join(world.store, 'collected'), `${Date.now() - 3_600_001}\n`);
    // This run saves nothing, so it starts no collection.
    await run('true');
    expect(Number(readFileSync(join(world.store, 'collected'), 'utf8'))).toBeLessThan(Date.now() - 3_600_000);
    await run('echo last > cache/d');
    while (layersLeft() > 3) await pause(50);
    const evicted = await world.cachelane(['explain', '--verbose', 'data:cache'], { cwd: project, env: pullRequest });
    expect(evicted.stdout).toMatch(/^evicted: +t1:pr:12 by policy keep-pr/m);
    expect(readFileSync(join(world.store, 'gc.log'), 'utf8')).toBe('');
  });

  test('the next run reports a failed collection', async () => {
    await run('echo own > cache/b');
    ownFile('policy: { keep-pr: soon }\n');
    writeFileSync(join(world.store, 'collected'), '0\n');
    await world.run(['sh', '-c', 'echo x > cache/x'], { cwd: project, options: ['-v', 'data:cache'] });
    const log = join(world.store, 'gc.log');
    const hasEnded = (): boolean => existsSync(log) && readFileSync(log, 'utf8').endsWith('\n');
    while (!hasEnded()) await pause(50);
    writeFileSync(join(world.store, 'collected'), '0\n');
    const next = await world.run(['sh', '-c', 'echo y > cache/y'], { cwd: project, options: ['-v', 'data:cache'] });
    expect(next.stderr).toMatch(
      /the last background collection failed and will be retried: .*keep-pr must be like 12h/,
    );
    // The second collection has failed too, and has ended.
    while (!hasEnded()) await pause(50);
  });
});

requireCommands('bwrap')('in a remote', () => {
  test('gc --remote lists what it would delete and deleted, and fails without a remote', async () => {
    world.exec(['mkdir', 'shared']);
    const shared = join(world.dir, 'shared');
    world.env['CACHELANE_REMOTE'] = `dir:${shared}`;
    world.env['CACHELANE_PUSH'] = 'wait';
    await run('echo pr > cache/a', pullRequest);
    expect(await world.json(['gc', '--remote', '--dry-run'])).toMatchObject({ heads: [], marked: { objects: 0 } });
    const none = await world.cachelane(['gc', '--remote']);
    expect(none.stdout).toBe(`nothing to delete in dir:${shared}\n`);
    const env = { ...pullRequest, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '666' };
    const fork = await world.cachelane(['gc', '--remote'], { cwd: project, env });
    expect([fork.code, fork.stderr]).toEqual([2, expect.stringContaining('may not be written here')]);
    world.env['CACHELANE_REMOTE'] = 'none';
    const refused = await world.cachelane(['gc', '--remote']);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('no remote')]);
  });
});

/** Runs a script in a mount namespace with a small disk under the store. `save NAME` saves a volume, `fill` fills the disk. */
function onSmallDisk(script: string): string {
  const cli = inject('cachelaneProgram')
    .map((word) => `'${word}'`)
    .join(' ');
  const lines = [
    'mount -t tmpfs -o size=48m none "$CACHELANE_HOME"; chmod 700 "$CACHELANE_HOME"; mkdir -p cache',
    `cachelane() { ${cli} "$@"; }`,
    'save() { cachelane run -v "$1:cache" -- sh -c "head -c 4000000 /dev/urandom > cache/f"; }',
    'fill() { dd if=/dev/zero of="$CACHELANE_HOME/fill" bs=4k 2>/dev/null || :; }',
    script,
  ];
  world.write({ 'store/x': '' });
  return world.exec(['unshare', '--mount', 'sh', '-euc', lines.join('\n')], { cwd: project }).stdout;
}

requireCommands('bwrap', 'unshare')('on a full disk', () => {
  const asRoot = test.runIf(process.getuid?.() === 0);

  asRoot('rm and gc can write on a full disk', () => {
    const removals = 'cachelane rm one; cachelane rm two; cachelane gc; echo; cachelane ls --json';
    const out = onSmallDisk(
      `save one; save two; save three; fill; df --output=avail cache/.. "$CACHELANE_HOME"; ${removals}`,
    );
    expect(out).toMatch(/^ +0$/m);
    expect(out).toMatch(/^removed .*:one /m);
    expect(out).toMatch(/^removed .*:two /m);
    const heads = JSON.parse(out.slice(out.indexOf('\n[') + 1)) as readonly { readonly volume: string }[];
    expect(heads.map(({ volume }) => volume)).toEqual(['three']);
  });

  asRoot('without the reserve they fail with the reason', () => {
    const out = onSmallDisk('save one; rm "$CACHELANE_HOME/reserve"; fill; cachelane rm one 2>&1 || echo "code $?"');
    expect(out).toMatch(/no space is left to write [^]*code 1/);
  });
});
