import type { Called } from './playground.ts';

/** All that must come of a call. */
export interface Outcome {
  readonly exitCode: number;
  /** See `Step`; null: whatever it prints. */
  readonly prints: readonly string[] | null;
  readonly says: readonly string[];
}

/** What is not as it must be, in words; null: all is. */
export function otherThanTold({ exitCode, prints, says }: Outcome, called: Called): string | null {
  if (called.exitCode !== exitCode) return `exit code ${exitCode} was to come, not ${called.exitCode}`;
  if (prints !== null && !patternOf(prints).test(called.stdout.replace(/([^\n])$/, '$1\n'))) {
    return `${JSON.stringify(prints.join('\n'))} was to be printed, not ${JSON.stringify(called.stdout.trimEnd())}`;
  }
  const missing = says[saidOf(says, called).length];
  return missing === undefined ? null : `${JSON.stringify(missing)} was to be said`;
}

/** Of what was said: the lines that must be there, as far as they are. */
export function saidOf(says: Outcome['says'], { stderr }: Called): readonly string[] {
  const said: string[] = [];
  for (const line of stderr.split('\n')) {
    const next = says[said.length];
    if (next !== undefined && patternOf([next]).test(`${line}\n`)) said.push(line);
  }
  return said;
}

function patternOf(lines: readonly string[]): RegExp {
  const patterns = lines.map((line) =>
    line.trim() === '…'
      ? '(?:.*\\n)*'
      : `${line
          .split('…')
          .map((part) => RegExp.escape(part))
          .join('.*')}\\n`,
  );
  return new RegExp(`^${patterns.join('')}$`);
}
