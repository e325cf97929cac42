import type { ProjectLock } from '@cachelane/api';
import { isCachelaneError } from '@cachelane/core';
import { followedBy } from '../base/followed-by.ts';
import { readProjectLock } from '../context/project-lock.ts';
import type { OpenProject } from '../context/project.ts';

interface SessionLock {
  /** Null if there is none or it is unreadable. */
  readonly lock: ProjectLock | null;
  /** One sentence each. */
  readonly problems: readonly string[];
}

/** Returns the project's lock. Caches do not depend on it, so an unreadable one is only a warning. */
export function sessionLock(project: Pick<OpenProject, 'projectDir' | 'topDir' | 'files'>): SessionLock {
  try {
    const { digest, catalogs } = readProjectLock(project);
    return { lock: digest === null ? null : { digest, catalogs }, problems: [] };
  } catch (error) {
    if (!isCachelaneError(error)) throw error;
    return { lock: null, problems: [followedBy(error.message, 'there are no typed catalogs')] };
  }
}
