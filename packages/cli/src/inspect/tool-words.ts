import {
  examplePath,
  unknownToolName,
  type ClassifyContext,
  type MergeClass,
  type PathRule,
  type Tool,
} from '@cachelane/core';
import type { CommitPolicy } from '@cachelane/engine';

// Texts about tools for `tools`, `tools show` and `explain`.

const nothingToSee: ClassifyContext = { peek: () => undefined };

/** Returns the rule for a pattern of the tool's declaration. */
function ruleOf(tool: Tool, pattern: string): PathRule {
  const { path, isDirectory } = examplePath(pattern);
  return tool.classify(path, isDirectory, nothingToSee);
}

const mergeWords: Readonly<Record<MergeClass, string>> = {
  U: 'union by name',
  A: 'union of lines',
  L: 'the newest',
  Q: 'union of rows',
  G: 'a group, whole from the last run',
  D: 'each path, with removals',
  W: 'the whole volume, from the last run',
};

export interface StoredLine {
  readonly path: string;
  readonly what: string;
  readonly mergeClass: MergeClass;
  /** How two versions are merged. */
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
      return 'when the command ended by itself, with any exit code';
    case 'success':
      return 'when the exit code is 0';
    case 'always':
      return 'when the command ended by itself, including files of unknown formats';
    case 'never':
      return 'never';
  }
}

export function pruneText({ prune }: Tool): string {
  return prune.kind === 'command'
    ? `${prune.argv.join(' ')}: removes ${prune.removes}`
    : `nothing: ${prune.why}; use cachelane rm and cachelane gc to free space`;
}

/** Describes what happens when a volume exceeds its budget. */
export function budgetText({ losesFiles }: Tool): string {
  return losesFiles === true
    ? 'files can be deleted, unused ones first (policy volume-budget)'
    : 'no files are deleted, since references to them may be unknown or they may exist nowhere else';
}

export function syncText(sync: Tool['sync']): string {
  const when = sync === 'always' ? 'worth pushing' : 'not worth pushing';
  return `${sync}: ${when}`;
}

/** Whether the rules were never tested with the tool itself. An unknown directory has no tool. */
export function isUntried({ name, tried }: Tool): boolean {
  return name !== unknownToolName && tried !== 'real tool';
}

export function triedText(tool: Tool): string {
  if (tool.name === unknownToolName) return 'as any directory';
  switch (tool.tried) {
    case 'real tool':
      return 'with the tool itself';
    case 'fixture':
      return 'NOT with the tool itself: with fixtures made from its documentation';
    case 'not yet':
      return 'NOT yet: the rules come from its documentation';
  }
}

export function daemonText({ daemon }: Tool): string {
  if (daemon === undefined) return 'none';
  const settings = settingsText(daemon.settings);
  return settings === '' ? `${daemon.what}, which is ended with the command` : `${daemon.what}, limited by ${settings}`;
}

export function settingsText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
