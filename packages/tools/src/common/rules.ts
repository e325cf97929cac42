import type { PathRule } from '@cachelane/core';
import { directoryDriver } from '../drivers/directory.ts';
import { groupDriver } from '../drivers/group.ts';
import { unionDriver } from '../drivers/union.ts';

type KeepRule = Extract<PathRule, { kind: 'keep' }>;

const plain = { kind: 'keep', group: null, removals: 'hint', mtime: 'keep', commitWhen: 'tool' } as const;

/** Class U: written once under its name. */
export const unionRule: KeepRule = { ...plain, mergeClass: 'U', driver: unionDriver };

/** Class D: nothing is known about it. */
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

/** Class G: right only together with everything else under the same label. */
export function groupRule(group: string): KeepRule {
  return { ...plain, mergeClass: 'G', driver: groupDriver, group, removals: 'count' };
}

/** A database of which nothing is known, and what belongs to it. */
export function unknownGroupRule(group: string): KeepRule {
  return { ...groupRule(group), commitWhen: 'success' };
}

/** Class G for files that no run clears away for others: removed ones are gone only for garbage collection. */
export function lastingGroupRule(group: string, driver: KeepRule['driver'] = groupDriver): KeepRule {
  return { ...groupRule(group), driver, removals: 'hint' };
}

export function never(reason: string): PathRule {
  return { kind: 'never', reason };
}

export const credentials: PathRule = { kind: 'never', reason: 'holds credentials', isSecret: true };
