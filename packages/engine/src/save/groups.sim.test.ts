import type { MemoryVolume } from '@cachelane/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { put, testEngine, type TestEngine } from '../testing/test-engine.fixture.ts';

// Files that belong together: whatever runs do concurrently, a reader finds a group as one run left it.

const groups = ['pair-1', 'pair-2'] as const;

type Step =
  | { readonly do: 'write'; readonly path: string; readonly content: string }
  | { readonly do: 'remove'; readonly path: string }
  | { readonly do: 'remake'; readonly path: string; readonly content: string | null }
  | { readonly do: 'flatten'; readonly path: string };

const files = groups.flatMap((group) => ['a', 'd/b', 'd/c', 'd/e/f', 'g/h'].map((name) => `${group}/${name}`));
const inner = groups.flatMap((group) => ['d', 'd/e', 'g'].map((name) => `${group}/${name}`));
const directories = [...groups, ...inner];

const arbitrarySteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ do: fc.constant('write' as const), ...fileFields() }), weight: 4 },
    fc.record({ do: fc.constant('remove' as const), path: fc.constantFrom(...files, ...directories) }),
    // A directory that is removed and made again: the overlay marks it opaque.
    fc.record({
      do: fc.constant('remake' as const),
      path: fc.constantFrom(...directories),
      content: fc.constantFrom('1', '2', null),
    }),
    fc.record({ do: fc.constant('flatten' as const), path: fc.constantFrom(...inner) }),
  ),
  { maxLength: 6 },
);

function fileFields(): { path: fc.Arbitrary<string>; content: fc.Arbitrary<string> } {
  return { path: fc.constantFrom(...files), content: fc.constantFrom('1', '2', '3') };
}

type Turn =
  | { readonly kind: 'start'; readonly steps: readonly Step[] }
  | { readonly kind: 'finish'; readonly nth: number };

const arbitraryTurns: fc.Arbitrary<readonly Turn[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('start' as const), steps: arbitrarySteps }),
    fc.record({ kind: fc.constant('finish' as const), nth: fc.nat({ max: 3 }) }),
  ),
  { minLength: 2, maxLength: 16 },
);

function act(volume: MemoryVolume, step: Step): void {
  switch (step.do) {
    case 'write':
      return place(volume, step.path, step.content);
    case 'remove':
      return clear(volume, step.path);
    case 'remake':
      clear(volume, step.path);
      if (step.content === null) volume.mkdir(step.path);
      else put(volume, `${step.path}/new`, step.content);
      return;
    case 'flatten':
      return place(volume, step.path, 'was a directory');
  }
}

function place(volume: MemoryVolume, path: string, content: string): void {
  if (volume.look().get(path)?.type !== 'file') clear(volume, path);
  put(volume, path, content);
}

/** Removes what is at the path, and any file where a parent directory is needed. */
function clear(volume: MemoryVolume, path: string): void {
  const above = path.split('/').map((_, index, parts) => parts.slice(0, index).join('/'));
  const file = above.find((each) => volume.look().get(each)?.type === 'file');
  volume.remove(file ?? path);
}

type Tree = ReadonlyMap<string, string>;

const isDirectory = 'a directory';

function treeOf(volume: MemoryVolume, group: string): Tree {
  const found = new Map<string, string>();
  for (const [path, file] of volume.look()) {
    const isMember = path === group || path.startsWith(`${group}/`);
    if (isMember) found.set(path, file.type === 'file' ? file.content : isDirectory);
  }
  return found;
}

function filesOf(tree: Tree): Tree {
  return new Map([...tree].filter(([, content]) => content !== isDirectory));
}

function treesOf(volume: MemoryVolume): readonly Tree[] {
  return groups.map((group) => treeOf(volume, group));
}

interface Running {
  readonly before: readonly Tree[];
  /** Works and saves; resolves to the tree it left. */
  finish(): Promise<readonly Tree[]>;
}

async function start(engine: TestEngine, steps: readonly Step[]): Promise<Running> {
  const { promise: gate, resolve: release } = Promise.withResolvers<void>();
  const { promise: began, resolve: begin } = Promise.withResolvers<readonly Tree[]>();
  let after: readonly Tree[] = [];
  const ended = engine.run(async ([volume]) => {
    if (volume === undefined) throw new Error('no volume');
    begin(treesOf(volume));
    await gate;
    for (const step of steps) act(volume, step);
    after = treesOf(volume);
  });
  await Promise.race([began, ended]);
  const before = await began;
  return {
    before,
    async finish() {
      release();
      await ended;
      return after;
    },
  };
}

/** What a reader may find of a group: the state left by its last writer, or by a run that made its directory again unchanged. */
type Possible = readonly Tree[];

function expectOneOf(possible: Possible | undefined, found: Tree): void {
  expect(possible?.map(filesOf)).toContainEqual(filesOf(found));
}

test('a group comes whole from the last run that changed it', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTurns, async (turns) => {
      const engine = testEngine();
      let head: readonly Possible[] = groups.map(() => [new Map()]);
      const running: Running[] = [];
      const finish = async (run: Running): Promise<void> => {
        const after = await run.finish();
        head = head.map((possible, index) => {
          const left = after[index] ?? new Map();
          return isSame(run.before[index], left) ? [...possible, left] : [left];
        });
      };
      const startNext = async (steps: readonly Step[]): Promise<Running> => {
        const run = await start(engine, steps);
        for (const [index, tree] of run.before.entries()) expectOneOf(head[index], tree);
        return run;
      };
      for (const turn of turns) {
        if (turn.kind === 'start') {
          running.push(await startNext(turn.steps));
        } else {
          const [run] = running.splice(turn.nth % Math.max(running.length, 1), 1);
          if (run !== undefined) await finish(run);
        }
      }
      for (const run of running) await finish(run);
      await (await startNext([])).finish();
    }),
    { numRuns: 300 },
  );
});

function isSame(a: Tree | undefined, b: Tree): boolean {
  return a?.size === b.size && [...b].every(([path, content]) => a.get(path) === content);
}
