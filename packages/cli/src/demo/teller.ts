import { printable } from '../format.ts';
import type { Output } from '../output.ts';
import type { Called, Playground } from './playground.ts';

/** A step did not come out as the story says. */
export class NotAsTold extends Error {
  override readonly name = 'NotAsTold';
}

/** One call as it is told: which project, which command, what must come of it. */
export interface Told {
  readonly project: string;
  readonly argv: readonly string[];
  /** 0 when left out. */
  readonly exitCode?: number;
  /** All that it prints, without the last line break; unchecked when left out. */
  readonly prints?: string;
}

/** Calls, shows what was called and what came of it, and stops the story where that is not as told. */
export interface Teller {
  chapter(title: string): void;
  call(told: Told): Promise<void>;
  /** All at once; the first one is shown for all. */
  callTogether(told: readonly Told[]): Promise<void>;
  /** What was just seen. */
  moral(text: string): void;
}

export function openTeller(output: Output, playground: Playground): Teller {
  let chapters = 0;
  const line = (text: string): void => output.write(text === '' ? '\n' : `   ${printable(text)}\n`);
  const showCommand = ({ project, argv }: Told): void => line(`${project}$ cachelane ${argv.map(quoted).join(' ')}`);
  const showOutcome = ({ stdout, stderr, exitCode }: Called): void => {
    for (const text of stdout.split('\n')) if (text !== '') line(`  ${text}`);
    // What became of the volume; the line before it says where the run is, in the same words each time.
    for (const text of stderr.split('\n')) if (/^cachelane: [\w.-]+: (hit|started)/.test(text)) line(`  ${text}`);
    if (exitCode !== 0) line(`  exit code ${exitCode}`);
  };
  return {
    chapter(title) {
      chapters += 1;
      output.write(`${chapters === 1 ? '' : '\n'}${chapters}. ${title}\n\n`);
    },
    async call(told) {
      showCommand(told);
      const called = await playground.call(told.project, told.argv);
      showOutcome(called);
      check(told, called);
    },
    async callTogether(all) {
      const [first] = all;
      if (first === undefined) return;
      showCommand(first);
      line(`… and ${all.length - 1} more like it, at once`);
      const called = await Promise.all(all.map(async ({ project, argv }) => await playground.call(project, argv)));
      for (const [index, told] of all.entries()) check(told, called[index]);
    },
    moral: (text) => output.write(`\n   => ${text}\n`),
  };
}

function check({ argv, exitCode = 0, prints }: Told, called: Called | undefined): void {
  if (called === undefined) return;
  const problem =
    called.exitCode !== exitCode
      ? `exit code ${exitCode} was to come, not ${called.exitCode}`
      : prints !== undefined && called.stdout.trimEnd() !== prints
        ? `${JSON.stringify(prints)} was to be printed, not ${JSON.stringify(called.stdout.trimEnd())}`
        : null;
  if (problem === null) return;
  const said = called.stderr.trim() === '' ? '' : `; it said: ${called.stderr.trim()}`;
  throw new NotAsTold(`cachelane ${argv.map(quoted).join(' ')}: ${problem}${said}`);
}

/** As a shell would read it back. */
function quoted(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
