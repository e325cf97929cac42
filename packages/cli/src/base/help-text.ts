import { allOptions, type CommandSpec } from './args.ts';

const width = 96;

/** Returns the help of one command, derived from its table. */
export function commandHelp(spec: CommandSpec): string {
  const operands = spec.operands
    .map(({ name, optional, many }) => `${optional === true ? ` [${name}]` : ` ${name}`}${many === true ? '...' : ''}`)
    .join('');
  const words = '[--] COMMAND [ARGUMENT]...';
  const command = spec.takesCommand === undefined ? '' : spec.takesCommand === 'optional' ? ` [${words}]` : ` ${words}`;
  const options = Object.entries(allOptions(spec));
  const rows = [
    ...spec.operands.map(({ name, help }) => [name, help] as const),
    ...options.map(([name, option]) => {
      const short = option.short === undefined ? '    ' : `-${option.short}, `;
      const value = option.value === undefined ? '' : ` ${option.value}`;
      return [
        `${short}--${name}${value}`,
        option.help + (option.choices === undefined ? '' : `: ${option.choices.join(', ')}`),
      ] as const;
    }),
  ];
  const examples = spec.examples.map((line) => `  ${line}\n`).join('');
  const details = (spec.details ?? []).map((text) => `${wrap(text, 0)}\n\n`).join('');
  const required = options.flatMap(([name, option]) =>
    option.required === true ? [` --${name} ${option.value}`] : [],
  );
  const usage = `Usage: cachelane ${spec.name}${required.join('')} [OPTION]...${operands}${command}`;
  return (
    `${capital(spec.summary)}.\n\nExamples:\n${examples}\n${usage}\n\n${helpRows(rows)}\n${details}`.trimEnd() + '\n'
  );
}

/** Returns two columns, with the second one wrapped. */
function helpRows(rows: readonly (readonly [string, string])[]): string {
  const first = Math.min(32, Math.max(...rows.map(([left]) => left.length)) + 2);
  return rows
    .map(([left, right]) => {
      const text = wrap(right, first + 2);
      return left.length + 2 > first
        ? `  ${left}\n${' '.repeat(first + 2)}${text}\n`
        : `  ${left.padEnd(first)}${text}\n`;
    })
    .join('');
}

/** Breaks lines at spaces and indents all but the first. Lines that begin with spaces stay as they are. */
export function wrap(text: string, indent: number): string {
  if (text.startsWith(' ')) return text;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width - indent) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

export interface HelpGroup {
  readonly title: string;
  readonly common: readonly CommandSpec[];
  readonly rare: readonly string[];
}

const overviewExamples: readonly (readonly [string, string])[] = [
  ['cachelane run -- npm ci', "use the caches of the project's lockfiles"],
  ['cachelane run -v data:cache -- make', 'keep any directory as a volume'],
  ['cachelane explain npm', 'show which volume a run gets here, and why'],
  ['cachelane log npm', 'list the runs that saved to it'],
  ['cachelane gc --dry-run', 'show what can be deleted'],
];

/** Returns the help of the whole program. */
export function overviewHelp(groups: readonly HelpGroup[]): string {
  return `Usage: cachelane COMMAND [OPTION]...

Cache volumes for pipelines: one set for each project, shared by merging.

Examples:
${exampleRows()}
${groups.map(groupText).join('')}
More: cachelane COMMAND --help, cachelane --version. Store: ~/.cache/cachelane (CACHELANE_HOME).
`;
}

function exampleRows(): string {
  const longest = Math.max(...overviewExamples.map(([line]) => line.length));
  return overviewExamples.map(([line, what]) => `  ${line.padEnd(longest)}  ${what}\n`).join('');
}

function groupText({ title, common, rare }: HelpGroup): string {
  const rows = common.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}\n`).join('');
  return `${title}:\n${rows}${rare.length === 0 ? '' : `  ${wrap(rare.join(', '), 2)}\n`}`;
}

/** Returns the help of the commands that begin with one word, with an example of each of the first three. */
export function groupHelp(word: string, specs: readonly CommandSpec[]): string {
  const examples = specs.slice(0, 3).flatMap((spec) => spec.examples.slice(0, 1));
  const rows = helpRows(specs.map(({ name, summary }) => [name, summary]));
  return `Examples:\n${examples.map((line) => `  ${line}\n`).join('')}\nUsage: cachelane ${word} COMMAND [OPTION]...\n\n${rows}`;
}
