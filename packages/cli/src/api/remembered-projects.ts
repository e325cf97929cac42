import type { ApiProject, ProjectPlace, World } from '@cachelane/api';
import type { Clock } from '@cachelane/core';

/** How long what was found out about a project counts without another look: its files are read once a second at most, and a change is seen a second later at most. */
const freshMs = 1000;
const placesKept = 1000;

type OpenProject = World['openProject'];

interface Remembered {
  readonly project: Promise<ApiProject>;
  readonly untilMs: number;
}

/** An engine is asked thousands of times a second, and where a program is, is found out by reading a dozen files. */
export function rememberedProjects(clock: Pick<Clock, 'monotonicMs'>, open: OpenProject): OpenProject {
  const known = new Map<string, Remembered>();
  return async ({ directory, namespace }: ProjectPlace) => {
    const key = JSON.stringify([directory, namespace]);
    const nowMs = clock.monotonicMs();
    const before = known.get(key);
    if (before !== undefined && nowMs < before.untilMs) return await before.project;
    const project = open({ directory, namespace });
    known.delete(key);
    known.set(key, { project, untilMs: nowMs + freshMs });
    const [oldest] = known.keys();
    if (known.size > placesKept && oldest !== undefined) known.delete(oldest);
    return await project;
  };
}
