import {
  examplePath,
  unknownToolName,
  type ClassifyContext,
  type MergeClass,
  type PathRule,
  type Tool,
} from '@cachelane/core';
import type { CommitPolicy } from '@cachelane/engine';

// What a tool declares, in the words of `tools`, `tools show` and `explain`.

const nothingToSee: ClassifyContext = { peek: () => undefined };

/** The rule that decides for a pattern of the tool's declaration. */
function ruleOf(tool: Tool, pattern: string): PathRule {
  const { path, isDirectory } = examplePath(pattern);
  return tool.classify(path, isDirectory, nothingToSee);
}

const mergeWords: Readonly<Record<MergeClass, string>> = {
  U: 'united by name',
  A: 'united line by line',
  L: 'the newest',
  Q: 'united row by row',
  G: 'a group, whole from the last run',
  D: 'path by path, removals too',
  W: 'the whole volume, from the last run',
};

export interface StoredLine {
  readonly path: string;
  readonly what: string;
  readonly mergeClass: MergeClass;
  /** How two versions of it come to one. */
  readonly merges: string;
  readonly checked: string;
  readonly times: 'kept' | 'set far ahead';
  readonly removals: 'count' | 'when pruned';
}

export function storedLines(tool: Tool): readonly StoredLine[] {
  return tool.stored.flatMap(({ path, what, checked }) => {
    const rule = ruleOf(tool, path);
    if (rule.kind === 'never') return [];
    const times = rule.mtime === 'far-future' ? 'set far ahead' : 'kept';
    const removals = rule.removals === 'count' ? 'count' : 'when pruned';
    const { mergeClass } = rule;
    return [{ path, what, mergeClass, merges: mergeWords[mergeClass], checked, times, removals } as const];
  });
}

export interface NeverLine {
  readonly path: string;
  readonly why: string;
}

export function neverLines(tool: Tool): readonly NeverLine[] {
  return tool.neverStored.flatMap((path) => {
    const rule = ruleOf(tool, path);
    return rule.kind === 'never' ? [{ path, why: rule.reason }] : [];
  });
}

export function commitText(commit: CommitPolicy): string {
  switch (commit) {
    case 'exit':
      return 'when the command ended by itself, whatever its exit code';
    case 'success':
      return 'when the exit code is 0';
    case 'always':
      return 'when the command ended by itself, also what belongs to no format that we know';
    case 'never':
      return 'never';
  }
}

export function pruneText({ prune }: Tool): string {
  return prune.kind === 'command'
    ? `${prune.argv.join(' ')}: removes ${prune.removes}`
    : `nothing: ${prune.why}; cachelane rm takes a volume away, and cachelane gc frees its space`;
}

/** What becomes of a volume that is over its budget. */
export function budgetText({ losesFiles }: Tool): string {
  return losesFiles === true
    ? 'files of it can go by themselves, what no run uses first (policy volume-budget)'
    : 'nothing of it goes by itself: what names it may not be known, or it may be nowhere else';
}

export function syncText(sync: Tool['sync']): string {
  const when = sync === 'always' ? 'worth sending to other machines' : 'not worth sending to other machines';
  return `${sync}: ${when}`;
}

/** Whether somebody saw the tool itself work with these rules; there is no tool behind an unknown directory. */
export function isUntried({ name, tried }: Tool): boolean {
  return name !== unknownToolName && tried !== 'real tool';
}

export function triedText(tool: Tool): string {
  if (tool.name === unknownToolName) return 'as any directory';
  switch (tool.tried) {
    case 'real tool':
      return 'with the tool itself';
    case 'fixture':
      return 'NOT with the tool itself: with trees made by hand after its documentation';
    case 'not yet':
      return 'NOT yet: its rules are taken from its documentation';
  }
}

export function daemonText({ daemon }: Tool): string {
  if (daemon === undefined) return 'none';
  const settings = settingsText(daemon.settings);
  return settings === ''
    ? `${daemon.what}, which is ended with the command`
    : `${daemon.what}, kept from staying by ${settings}`;
}

export function settingsText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
