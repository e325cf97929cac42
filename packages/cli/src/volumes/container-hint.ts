import { basename } from 'node:path';

/** Programs that show a container directories of the host, as the host has them. */
const starters: ReadonlySet<string> = new Set(['docker', 'podman', 'nerdctl']);

export interface Place {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** The variable that tells its tool another place; null where there is none. */
  readonly variable: string | null;
}

export interface ContainerHint {
  readonly message: string;
  /** What does work. */
  readonly hint: string;
}

/**
 * A container started by the command is made by a daemon, which sees the host's directories and not what the command alone has in
 * their place. Null where the command line does not look like that; what a script does is not known.
 */
export function containerHint(
  argv: readonly string[],
  volumes: readonly Place[],
  homeDir: string,
): ContainerHint | null {
  const text = argv.join(' ');
  const [program] = argv.filter((word) => starters.has(basename(word)));
  const inScript = /(?:^|[\s;&|(])(?:\S*\/)?(docker|podman|nerdctl)\s/.exec(text)?.[1];
  const starter = program === undefined ? inScript : basename(program);
  if (starter === undefined || !/(?:^|\s)(?:-v|--volume|--mount)[\s=]?/.test(text)) return null;
  const expanded = text.replace(/(?<=[\s=:"',]|^)(?:~|\$HOME|\$\{HOME\})(?=[/:])/g, () => homeDir);
  const shown = volumes.filter(({ path }) => namesPath(expanded, path));
  if (shown.length === 0) return null;
  const names = shown.map(({ name }) => name).join(', ');
  return {
    message: `${starter} shows a container the host's own directory and not the volume (${names})`,
    hint: [...shown.flatMap(byVariable), insideText].join('; or '),
  };
}

/** A directory of the run's own lies on the host, for a daemon to find; a tool's variable says where. */
function byVariable({ name, variable }: Place): readonly string[] {
  if (variable === null) return [];
  return [
    `for ${name}, run with --mounter clone and give the container the directory that $${variable} then names in the command: sh -c '… -v "$${variable}:/PATH" …'`,
  ];
}

const insideText =
  'run cachelane inside the container, with CACHELANE_HOME in a directory of the host or a volume that it is given';

/** As a source: alone, or in front of a colon or comma. */
function namesPath(text: string, path: string): boolean {
  for (let at = text.indexOf(path); at >= 0; at = text.indexOf(path, at + 1)) {
    const before = text[at - 1] ?? ' ';
    const after = text[at + path.length] ?? ' ';
    if (/[\s=:"',v]/.test(before) && /[\s:"',/]/.test(after)) return true;
  }
  return false;
}
