import { CachelaneError } from '@cachelane/core';

/** A line that a person would type, and what a page says comes of it. */
export interface Step {
  /** Below the directory of the page. */
  readonly directory: string;
  /** For a shell. */
  readonly line: string;
  readonly exitCode: number;
  /** All lines of stdout; `…` is anything, and alone on a line any lines. */
  readonly prints: readonly string[];
  /** Some lines of stderr, in their order; `…` as above. */
  readonly says: readonly string[];
}

/** A paragraph, or a step. */
type Part = string | Step;

/** A section of a page in which something is played. */
export interface Chapter {
  readonly title: string;
  readonly parts: readonly Part[];
}

const prompt = /^([\w./-]+)\$ (.+)$/;

/**
 * The steps of a page in Markdown: in `console` blocks, lines like `web/site$ COMMAND`, each with what follows it. Where that
 * begins with `cachelane: ` it is of stderr, and a last `exit code 7` is what it says. Paragraphs beside them go along, sections
 * without a block do not. Errors: E_USAGE where it cannot be played.
 */
export function readScript(page: string): readonly Chapter[] {
  const [, ...sections] = page.split(/^## /m);
  const chapters = sections.map(readSection).filter(({ parts }) => parts.some((part) => typeof part !== 'string'));
  if (chapters.length === 0) throw unplayable('it has no section with a console block');
  return chapters;
}

function readSection(section: string): Chapter {
  // Odd pieces are what blocks hold.
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
      throw unplayable(`a block begins with ${JSON.stringify(text)}, and not with a directory and $`);
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
  return new CachelaneError('E_USAGE', `the page of the story cannot be played: ${why}`);
}
