import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, type FinishedRun, type World } from '../cli.fixture.ts';

// Groups that cannot be merged: the last run's version stays complete. The other is reported and can be restored.

interface Whole {
  readonly name: string;
  readonly volume: string;
  /** The argument of `-v`. */
  readonly argument: string;
  /** The volume's path, relative to the project. */
  readonly path: string;
  /** The group that both runs change. */
  readonly group: string;
  readonly files: Readonly<Record<string, string>>;
  readonly base: string;
  readonly left: string;
  readonly right: string;
}

const gradle = '.gradle/caches';
const pip = '.cache/pip';
const response = `http-v2/a/b/c/d/e/${'abcde'.repeat(11)}f`;

/** Returns a script for a database with a log that was not written back. */
const database = (name: string): string =>
  `"$NODE" -e 'const { DatabaseSync } = require("node:sqlite"); const db = new DatabaseSync("${name}.db");
    db.exec("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t (run TEXT)");
    db.prepare("INSERT INTO t VALUES (?)").run(process.argv[1]); process.kill(process.pid, "SIGKILL")'`;

const small: readonly Whole[] = [
  {
    name: 'a database and its log in an unknown directory',
    volume: 'data',
    argument: 'data:cache',
    path: 'cache',
    group: 'state.db',
    files: {},
    base: `${database('state')} base || :`,
    left: `${database('state')} left || :`,
    right: `rm state.db*; "$NODE" -e 'new (require("node:sqlite").DatabaseSync)("state.db").exec("CREATE TABLE other (x)")'`,
  },
  {
    name: 'the databases of one version of Gradle',
    volume: 'gradle',
    argument: 'gradle',
    path: `../../home/${gradle}`,
    group: '8.14',
    files: {},
    base: 'mkdir -p 8.14/fileHashes 8.14/checksums; echo base > 8.14/fileHashes/fileHashes.bin; echo base > 8.14/checksums/sha1.bin',
    left: 'echo left > 8.14/fileHashes/fileHashes.bin; mkdir 8.14/left; echo left > 8.14/left/only.bin',
    right: 'rm -r 8.14/checksums; mkdir 8.14/right; echo right > 8.14/right/only.bin',
  },
  {
    name: 'head and body of a response in pip’s cache',
    volume: 'pip',
    argument: 'pip',
    path: `../../home/${pip}`,
    group: response,
    files: {},
    base: `mkdir -p http-v2/a/b/c/d/e; echo base > ${response}; echo base > ${response}.body`,
    left: `echo left > ${response}`,
    right: `echo right > ${response}.body`,
  },
];

/** Selects stored files: no directories, and no files that are never stored. */
const stored = "! -type d ! -name '.cargo-*lock' ! -name '*-shm'";
const look = `
  find . ${stored} -printf '%P %m %T@\\n' | LC_ALL=C sort
  find . ${stored} -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum`;

/** Runs two jobs at once. Returns each run with the volume's contents after its command. */
async function twoAtOnce(
  world: World,
  cwd: string,
  whole: Whole,
): Promise<readonly (FinishedRun & { tree: string })[]> {
  const options = ['-v', whole.argument, '--commit=always'];
  const into = `cd "$1"; `;
  const run = async (script: string) =>
    await world.run(['sh', '-ec', into + script, 'sh', whole.path], { cwd, options });
  const base = await run(whole.base);
  expect(base.volume(whole.volume)).toMatchObject({ conflicts: [], skipped: null });
  const started = [];
  for (const side of ['left', 'right'] as const) {
    const script = `echo ready; read line; cd "$1"; { ${whole[side]}\n} >"$TMPDIR/${side}" 2>&1; ${look}`;
    const begun = world.startRun(['sh', '-ec', script, 'sh', whole.path], { cwd, options, input: null });
    await begun.said('ready');
    started.push(begun);
  }
  const ended = [];
  for (const { child, finished } of started) {
    child.stdin?.end('go\n');
    const end = await finished;
    expect(end).toMatchObject({ code: 0 });
    ended.push(Object.assign(end, { tree: end.stdout.replace('ready\n', '') }));
  }
  return ended;
}

async function expectTakenWhole(world: World, cwd: string, whole: Whole): Promise<void> {
  const [left, right] = await twoAtOnce(world, cwd, whole);
  const found = async (): Promise<string> => {
    const options = ['-v', whole.argument, '--mode=read'];
    return (await world.run(['sh', '-ec', `cd "$1"; ${look}`, 'sh', whole.path], { cwd, options })).stdout;
  };
  expect(left?.tree).not.toBe(right?.tree);
  expect(await found()).toBe(right?.tree);

  // The report names the layer with the replaced version.
  const lost = String(left?.volume(whole.volume).layer);
  const { conflicts } = right?.volume(whole.volume) ?? {};
  expect(conflicts).toEqual([
    { path: expect.any(String) as string, resolution: `later run kept as a group (${whole.group})`, layer: lost },
  ]);
  expect(right?.stderr).toContain(`the other is in layer ${lost.slice(0, 12)}`);

  // The replaced version is in the history, can be inspected, and can be restored.
  const log = (await world.json(['log', whole.volume], { cwd })) as readonly { generation: number; layer: string }[];
  expect(log[1]?.layer).toBe(lost);
  const inspected = (await world.json(['inspect', lost.slice(0, 12)], { cwd })) as {
    readonly entries: readonly { readonly group: string | null }[];
  };
  expect(inspected.entries.some(({ group }) => group === whole.group)).toBe(true);
  const back = await world.cachelane(['rollback', whole.volume, '--to', String(log[1]?.generation)], { cwd });
  expect(back).toMatchObject({ code: 0 });
  expect(await found()).toBe(left?.tree);
}

requireCommands('bwrap')('taken whole from one run', () => {
  test.each(small)('$name', async (whole) => {
    using world = openWorld({ env: { NODE: process.execPath } });
    await expectTakenWhole(world, world.project('app', whole.files), whole);
  });
});

function crate(name: string): Readonly<Record<string, string>> {
  return {
    [`${name}/Cargo.toml`]: `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n`,
    [`${name}/src/lib.rs`]: `pub fn name() -> &'static str { "${name}" }\n`,
  };
}

function build(name: string): string {
  return `cargo build --offline --manifest-path ../Cargo.toml -p ${name}`;
}

requireCommands(
  'bwrap',
  'cargo',
  'rustc',
)('the target directory of a cargo workspace', () => {
  const whole: Whole = {
    name: 'target',
    volume: 'cargo-target',
    argument: 'cargo-target',
    path: 'target',
    group: 'target',
    files: {
      'Cargo.toml': '[workspace]\nmembers = ["base", "left", "right"]\nresolver = "2"\n',
      ...crate('base'),
      ...crate('left'),
      ...crate('right'),
    },
    base: build('base'),
    left: build('left'),
    right: build('right'),
  };

  test('comes from one of two concurrent runs, byte for byte', async () => {
    const path = (process.env['PATH'] ?? '').split(delimiter).find((dir) => existsSync(join(dir, 'cargo'))) ?? '';
    using world = openWorld({ env: { RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup') } });
    world.env['PATH'] = `${world.env['PATH']}${delimiter}${path}`;
    await expectTakenWhole(world, world.project('app', whole.files), whole);
  });
});
