import type { PathRule } from '@cachelane/core';
import { directoryDriver } from '../drivers/directory.ts';
import { groupDriver } from '../drivers/group.ts';
import { unionDriver } from '../drivers/union.ts';

type KeepRule = Extract<PathRule, { kind: 'keep' }>;

const plain = { kind: 'keep', group: null, removals: 'hint', mtime: 'keep', commitWhen: 'tool' } as const;

/** Class U: never changes under its name. */
export const unionRule: KeepRule = { ...plain, mergeClass: 'U', driver: unionDriver };

/** Class D: the format is unknown. */
export const unknownRule: KeepRule = {
  ...plain,
  mergeClass: 'D',
  driver: directoryDriver,
  removals: 'count',
  commitWhen: 'success',
};

/** Class A. */
export function linesRule(driver: KeepRule['driver']): KeepRule {
  return { ...plain, mergeClass: 'A', driver };
}

/** Class L. */
export function newestRule(driver: KeepRule['driver']): KeepRule {
  return { ...plain, mergeClass: 'L', driver };
}

/** Class Q. */
export function rowsRule(driver: KeepRule['driver']): KeepRule {
  return { ...plain, mergeClass: 'Q', driver };
}

/** Class G: correct only together with all files of the same label. */
export function groupRule(group: string): KeepRule {
  return { ...plain, mergeClass: 'G', driver: groupDriver, group, removals: 'count' };
}

/** A database of an unknown tool, with its companions. */
export function unknownGroupRule(group: string): KeepRule {
  return { ...groupRule(group), commitWhen: 'success' };
}

/** Class G for files that a run cannot remove for others. Garbage collection drops removed ones. */
export function lastingGroupRule(group: string, driver: KeepRule['driver'] = groupDriver): KeepRule {
  return { ...groupRule(group), driver, removals: 'hint' };
}

export function never(reason: string): PathRule {
  return { kind: 'never', reason };
}

export const credentials: PathRule = { kind: 'never', reason: 'holds credentials', isSecret: true };
