import type { ApiProject, ProjectPlace, World } from '@cachelane/api';
import type { Clock } from '@cachelane/core';

/** How long a project's data is reused. Its files are read at most once a second. */
const freshMs = 1000;
const placesKept = 1000;

type OpenProject = World['openProject'];

interface Remembered {
  readonly project: Promise<ApiProject>;
  readonly untilMs: number;
}

type Places = Map<string, Remembered>;

/** Caches opened projects: an engine gets thousands of requests a second, and opening one reads a dozen files. */
export function rememberedProjects(clock: Pick<Clock, 'monotonicMs'>, open: OpenProject): OpenProject {
  const engines: Places = new Map();
  /** Keyed weakly by the session's environment. */
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
