import { parentsOfRun } from '@cachelane/engine';
import type { Host } from '../host/host.ts';
import type { OpenProject } from './project.ts';
import { readStore, type ReadStore } from '../home/store.ts';

/** The project with the parents that it has in this store: which of those that its file names share something with it. Told with its warnings. */
export async function settledParents<T extends Pick<OpenProject, 'context' | 'warnings'>>(
  project: T,
  { metadata, signal }: Pick<ReadStore, 'metadata' | 'signal'>,
): Promise<T> {
  const { context, warning } = await parentsOfRun({ metadata }, project.context, signal);
  return { ...project, context, warnings: warning === null ? project.warnings : [...project.warnings, warning] };
}

/** The same for a command that has no store open; it opens none where there is nothing to ask. */
export async function settledParentsHere(host: Host, project: OpenProject): Promise<OpenProject> {
  if (project.context.claimed === undefined) return project;
  return await readStore(host, async (store) => await settledParents(project, store));
}
