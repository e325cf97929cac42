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

type Places = Map<string, Remembered>;

/** An engine is asked thousands of times a second, and where a program is, is found out by reading a dozen files. */
export function rememberedProjects(clock: Pick<Clock, 'monotonicMs'>, open: OpenProject): OpenProject {
  const engines: Places = new Map();
  /** Of sessions that have an environment of their own, for as long as they have it. */
  const programs = new WeakMap<object, Places>();
  const placesOf = (environment: ProjectPlace['environment']): Places => {
    if (environment === null) return engines;
    const places = programs.get(environment) ?? new Map<string, Remembered>();
    programs.set(environment, places);
    return places;
  };
  return async (place) => {
    const { directory, namespace, environment, isConfined } = place;
    const known = placesOf(environment);
    const key = JSON.stringify([directory, namespace, isConfined]);
    const nowMs = clock.monotonicMs();
    const before = known.get(key);
    if (before !== undefined && nowMs < before.untilMs) return await before.project;
    const project = open(place);
    known.delete(key);
    known.set(key, { project, untilMs: nowMs + freshMs });
    const [oldest] = known.keys();
    if (known.size > placesKept && oldest !== undefined) known.delete(oldest);
    return await project;
  };
}
