import { limits } from '../../base/limits.ts';
import type { NotedPaths } from './growth-store.ts';

/**
 * Notes without what a clock that went wrong wrote ahead of its time: until then it would say that nothing has to be looked at, or that a path is used. What a run noted
 * that ended before a longer one does stays.
 */
export function believedNotes({ marks, atMs }: NotedPaths, nowMs: number): NotedPaths {
  const untilMs = nowMs + limits.noteAheadMs;
  const believed = [...marks].filter(([, each]) => each <= untilMs);
  return { marks: believed.length === marks.size ? marks : new Map(believed), atMs: atMs > untilMs ? 0 : atMs };
}
