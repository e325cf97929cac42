import { parentsOfRun } from '@cachelane/engine';
import type { Host } from '../host/host.ts';
import type { OpenProject } from './project.ts';
import { readStore, type ReadStore } from '../home/store.ts';

/** Returns the project with the parents that grant it something in this store. Adds warnings about others. */
export async function settledParents<T extends Pick<OpenProject, 'context' | 'warnings'>>(
  project: T,
  { metadata, signal }: Pick<ReadStore, 'metadata' | 'signal'>,
): Promise<T> {
  const { context, warning } = await parentsOfRun({ metadata }, project.context, signal);
  return { ...project, context, warnings: warning === null ? project.warnings : [...project.warnings, warning] };
}

/** Like {@link settledParents}, for a command without an open store. Opens one only if there is something to ask. */
export async function settledParentsHere(host: Host, project: OpenProject): Promise<OpenProject> {
  if (project.context.claimed === undefined) return project;
  return await readStore(host, async (store) => await settledParents(project, store));
}
