import type { Called } from './playground.ts';

/** The expected result of a call. */
export interface Outcome {
  readonly exitCode: number;
  /** See `Step`; null to accept any output. */
  readonly prints: readonly string[] | null;
  readonly says: readonly string[];
}

/** Returns the first difference from the expected result; null if there is none. */
export function otherThanTold({ exitCode, prints, says }: Outcome, called: Called): string | null {
  if (called.exitCode !== exitCode) return `expected exit code ${exitCode}, not ${called.exitCode}`;
  if (prints !== null && !patternOf(prints).test(called.stdout.replace(/([^\n])$/, '$1\n'))) {
    return `expected the output ${JSON.stringify(prints.join('\n'))}, not ${JSON.stringify(called.stdout.trimEnd())}`;
  }
  const missing = says[saidOf(says, called).length];
  return missing === undefined ? null : `expected the message ${JSON.stringify(missing)}`;
}

/** Returns the expected lines that stderr contains. */
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
