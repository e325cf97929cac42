import { basename } from 'node:path';

/** Programs that mount host directories into containers. */
const starters: ReadonlySet<string> = new Set(['docker', 'podman', 'nerdctl']);

export interface Place {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** The variable that moves its tool's cache; null if there is none. */
  readonly variable: string | null;
}

export interface ContainerHint {
  readonly message: string;
  /** The advice to print. */
  readonly hint: string;
}

/**
 * Warns that a container's daemon mounts the host's directory instead of the volume, which only the command sees. Returns null for other
 * command lines; scripts are not inspected.
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
    message: `${starter} mounts the host's own directory into containers and not the volume (${names})`,
    hint: [...shown.flatMap(byVariable), insideText].join('; or '),
  };
}

/** With clone, the run's directory is on the host, and the tool's variable names it. */
function byVariable({ name, variable }: Place): readonly string[] {
  if (variable === null) return [];
  return [
    `for ${name}, run with --mounter clone and mount the directory of $${variable} into the container: sh -c '… -v "$${variable}:/PATH" …'`,
  ];
}

const insideText = 'run cachelane inside the container, with CACHELANE_HOME in a mounted directory or volume';

/** Whether the text names the path as a mount source: alone, or before a colon or comma. */
function namesPath(text: string, path: string): boolean {
  for (let at = text.indexOf(path); at >= 0; at = text.indexOf(path, at + 1)) {
    const before = text[at - 1] ?? ' ';
    const after = text[at + path.length] ?? ' ';
    if (/[\s=:"',v]/.test(before) && /[\s:"',/]/.test(after)) return true;
  }
  return false;
}
