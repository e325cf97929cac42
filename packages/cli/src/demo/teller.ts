import { printable } from '../base/format.ts';
import { wrap } from '../base/help-text.ts';
import type { Output } from '../base/output.ts';
import { otherThanTold, saidOf, type Outcome } from './outcome.ts';
import type { Called, Playground } from './playground.ts';
import { quoted } from './quoted.ts';
import type { Step } from './script.ts';

/** A step had an unexpected result. */
export class NotAsTold extends Error {
  override readonly name = 'NotAsTold';
}

/** A call with its project, command and expected result. */
export interface Told {
  readonly project: string;
  readonly argv: readonly string[];
  /** Default: 0. */
  readonly exitCode?: number;
  /** The whole output without the last line break; undefined to accept any. */
  readonly prints?: string;
}

/** Runs calls, prints them with their results, and stops the story at an unexpected one. */
export interface Teller {
  chapter(title: string): void;
  /** Prints an explanation before the next call. */
  prose(text: string): void;
  call(told: Told): Promise<void>;
  /** Runs all calls at once and prints the first one. */
  callTogether(told: readonly Told[]): Promise<void>;
  /** Runs a step of a page, and prints the expected lines of stderr. */
  step(step: Step): Promise<void>;
  /** Prints the conclusion. */
  moral(text: string): void;
}

const margin = 3;

/** The line that reports what a volume restored and saved. */
const becameOf = /^cachelane: [\w.-]+ (restored|saved|removed|not saved|up to date|is empty)/;

export function openTeller(output: Output, playground: Playground): Teller {
  let chapters = 0;
  let isAfterStep = false;
  const line = (text: string): void => output.write(text === '' ? '\n' : `${' '.repeat(margin)}${printable(text)}\n`);
  const showLine = (where: string, text: string): void => line(`${where}$ ${text}`);
  const showCommand = (told: Told): void => showLine(told.project, lineOf(told));
  const showOutcome = ({ stdout, exitCode }: Called, said: readonly string[]): void => {
    for (const text of stdout.split('\n')) if (text !== '') line(`  ${text}`);
    for (const text of said) line(`  ${text}`);
    if (exitCode !== 0) line(`  exit code ${exitCode}`);
  };
  return {
    chapter(title) {
      chapters += 1;
      isAfterStep = false;
      output.write(`${chapters === 1 ? '' : '\n'}${chapters}. ${title}\n\n`);
    },
    prose(text) {
      if (isAfterStep) line('');
      isAfterStep = false;
      for (const each of wrap(text, margin).split('\n')) line(each.trim());
      line('');
    },
    async call(told) {
      showCommand(told);
      const called = await playground.call(told.project, told.argv);
      showOutcome(
        called,
        called.stderr.split('\n').filter((text) => becameOf.test(text)),
      );
      check(lineOf(told), outcomeOf(told), called);
    },
    async callTogether(all) {
      const [first] = all;
      if (first === undefined) return;
      showCommand(first);
      line(`… and ${all.length - 1} more of these, at once`);
      const calls = all.map(async (told) => ({ told, called: await playground.call(told.project, told.argv) }));
      for (const { told, called } of await Promise.all(calls)) check(lineOf(told), outcomeOf(told), called);
    },
    async step(step) {
      showLine(step.directory, step.line);
      const called = await playground.shell(step.directory, step.line);
      showOutcome(called, saidOf(step.says, called));
      check(step.line, step, called);
      isAfterStep = true;
    },
    moral: (text) => output.write(`\n   => ${text}\n`),
  };
}

function outcomeOf({ exitCode = 0, prints }: Told): Outcome {
  return { exitCode, prints: prints?.split('\n') ?? null, says: [] };
}

function check(line: string, outcome: Outcome, called: Called): void {
  const problem = otherThanTold(outcome, called);
  if (problem === null) return;
  const said = called.stderr.trim() === '' ? '' : `; stderr: ${called.stderr.trim()}`;
  throw new NotAsTold(`${line}: ${problem}${said}`);
}

function lineOf({ argv }: Told): string {
  return `cachelane ${argv.map(quoted).join(' ')}`;
}
