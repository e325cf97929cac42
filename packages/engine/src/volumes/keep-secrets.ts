import { unknownToolName, type BytePath, type ClassifyContext, type Tool } from '@cachelane/core';

export interface Surroundings {
  /** Absolute. */
  readonly target: string;
  readonly homeDir: string;
  readonly tools: readonly Tool[];
}

/**
 * Returns the tool with a rule for credentials at known places in the home directory, such as `config.json` in a volume at `~/.docker`.
 * Tool rules only know paths inside a volume, so this checks the `directory` rules with paths relative to the home directory.
 */
export function keepingSecrets(tool: Tool, { target, homeDir, tools }: Surroundings): Tool {
  const inHome = pathInHome(target, homeDir);
  const any = tools.find(({ name }) => name === unknownToolName);
  if (inHome === null || any === undefined) return tool;
  return {
    ...tool,
    classify(path, isDirectory, context) {
      const rule = any.classify(`${inHome}/${path}` as BytePath, isDirectory, nothingToSee);
      return rule.kind === 'never' && rule.isSecret === true ? rule : tool.classify(path, isDirectory, context);
    },
  };
}

/** Content rules use the path in the volume. */
const nothingToSee: ClassifyContext = { peek: () => undefined };

/** Returns the path relative to the home directory (`.cache/pip`), or null if it is outside. Bytes, like all volume paths. */
function pathInHome(target: string, homeDir: string): string | null {
  const [path, home] = [target, homeDir].map((each) => each.split(/[/\\]/).filter((name) => name !== ''));
  if (path === undefined || home === undefined || path.length <= home.length) return null;
  if (!home.every((name, index) => name === path[index])) return null;
  return Buffer.from(path.slice(home.length).join('/')).toString('latin1');
}
