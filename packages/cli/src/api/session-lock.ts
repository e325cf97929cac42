import type { ProjectLock } from '@cachelane/api';
import { isCachelaneError } from '@cachelane/core';
import { followedBy } from '../base/followed-by.ts';
import { readProjectLock } from '../context/project-lock.ts';
import type { OpenProject } from '../context/project.ts';

interface SessionLock {
  /** Null: there is none, or none that can be read. */
  readonly lock: ProjectLock | null;
  /** One sentence each. */
  readonly problems: readonly string[];
}

/** What sessions of a project go by. Caches do not hang on it: one that cannot be read is told of. */
export function sessionLock(project: Pick<OpenProject, 'projectDir' | 'topDir' | 'files'>): SessionLock {
  try {
    const { digest, catalogs } = readProjectLock(project);
    return { lock: digest === null ? null : { digest, catalogs }, problems: [] };
  } catch (error) {
    if (!isCachelaneError(error)) throw error;
    return { lock: null, problems: [followedBy(error.message, 'there are no typed catalogs')] };
  }
}
