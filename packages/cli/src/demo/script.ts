import { CachelaneError } from '@cachelane/core';

/** A command line of a page with its expected result. */
export interface Step {
  /** Relative to the page's directory. */
  readonly directory: string;
  /** A shell line. */
  readonly line: string;
  readonly exitCode: number;
  /** All lines of stdout. `…` matches anything; alone on a line it matches any lines. */
  readonly prints: readonly string[];
  /** Some lines of stderr, in order, with `…` as above. */
  readonly says: readonly string[];
}

/** A paragraph, or a step. */
type Part = string | Step;

/** A section of a page with steps. */
export interface Chapter {
  readonly title: string;
  readonly parts: readonly Part[];
}

const prompt = /^([\w./-]+)\$ (.+)$/;

/**
 * Returns the steps of a Markdown page: lines like `web/site$ COMMAND` in `console` blocks, each followed by its output. Output that begins with
 * `cachelane: ` is stderr, and a last `exit code 7` is the exit code. Includes the paragraphs of sections with a block.
 * Errors: E_USAGE for an invalid page.
 */
export function readScript(page: string): readonly Chapter[] {
  const [, ...sections] = page.split(/^## /m);
  const chapters = sections.map(readSection).filter(({ parts }) => parts.some((part) => typeof part !== 'string'));
  if (chapters.length === 0) throw unplayable('it has no section with a console block');
  return chapters;
}

function readSection(section: string): Chapter {
  // Odd parts are the blocks.
  const [text = '', ...rest] = section.split(/^```console\n([^]*?)^```$/m);
  const end = text.indexOf('\n');
  const pieces = [text.slice(end), ...rest];
  return {
    title: text.slice(0, end).trim(),
    parts: pieces.flatMap((piece, index): readonly Part[] => (index % 2 === 1 ? readBlock(piece) : paragraphs(piece))),
  };
}

function paragraphs(text: string): readonly string[] {
  return text
    .split('\n\n')
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '');
}

function readBlock(block: string): readonly Step[] {
  const steps: Step[] = [];
  for (const text of block.split('\n').slice(0, -1)) {
    const [, directory, line] = prompt.exec(text) ?? [];
    if (directory !== undefined && line !== undefined) {
      steps.push({ directory, line, exitCode: 0, prints: [], says: [] });
      continue;
    }
    const last = steps.pop();
    if (last === undefined)
      throw unplayable(`a block begins with ${JSON.stringify(text)} instead of a directory and $`);
    steps.push(withOutcome(last, text));
  }
  return steps;
}

function withOutcome(step: Step, text: string): Step {
  const [, code] = /^exit code (\d{1,3})$/.exec(text) ?? [];
  if (code !== undefined) return { ...step, exitCode: Number(code) };
  return text.startsWith('cachelane: ')
    ? { ...step, says: [...step.says, text] }
    : { ...step, prints: [...step.prints, text] };
}

function unplayable(why: string): CachelaneError {
  return new CachelaneError('E_USAGE', `cannot play the page of the story: ${why}`);
}
