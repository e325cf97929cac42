import { allOptions, type CommandSpec } from './args.ts';

const width = 96;

/** The help of one command, derived from its table. */
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
  const paragraphs = [`${capital(spec.summary)}.`, ...(spec.details ?? [])].map((text) => wrap(text, 0));
  return `Usage: cachelane ${spec.name} [OPTION]...${operands}${command}\n\n${paragraphs.join('\n\n')}\n\n${helpRows(rows)}`;
}

/** Two columns, the second wrapped and under itself. */
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

/** Breaks at spaces; lines after the first are indented. A line that begins with spaces is kept as it is. */
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

/** The list of commands. */
export function overviewHelp(specs: readonly CommandSpec[]): string {
  const rows = specs.map(({ name, summary }) => [name, summary] as const);
  return `Usage: cachelane COMMAND [OPTION]...

Cache volumes for pipelines: namespaced, persistent, mergeable.

  cachelane run -- npm ci        run a command with the caches that its project's lockfiles call for
  cachelane run -v npm -- make   the same with volumes that you name

Commands:
${helpRows(rows)}
${wrap('Each command has its own help: cachelane help COMMAND. CACHELANE_HOME says where volumes are kept (default: $XDG_CACHE_HOME/cachelane, ~/.cache/cachelane), CACHELANE_NAMESPACE which namespace a project has, CACHELANE_PARENTS whose caches it reads below its own.', 0)}
`;
}
