import { unknownToolName, type BytePath, type ClassifyContext, type Tool } from '@cachelane/core';

/** Where a volume lies, and whose home directory may hold credentials around it. */
export interface Surroundings {
  /** Absolute. */
  readonly target: string;
  readonly homeDir: string;
  readonly tools: readonly Tool[];
}

/**
 * The tool, but that it never stores what is a credential by its place in the home directory: `config.json` is one in a volume at
 * `~/.docker`. A tool's rules know paths inside the volume alone, so the rules for any directory, which have the list of such places,
 * are asked as though the volume were the home directory.
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

/** What is in a file is looked at by its path in the volume. */
const nothingToSee: ClassifyContext = { peek: () => undefined };

/** `.cache/pip`, or null where it does not lie below the home directory. As bytes, like all paths of volumes. */
function pathInHome(target: string, homeDir: string): string | null {
  const [path, home] = [target, homeDir].map((each) => each.split(/[/\\]/).filter((name) => name !== ''));
  if (path === undefined || home === undefined || path.length <= home.length) return null;
  if (!home.every((name, index) => name === path[index])) return null;
  return Buffer.from(path.slice(home.length).join('/')).toString('latin1');
}
