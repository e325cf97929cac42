import { limits } from '../../base/limits.ts';
import type { NotedPaths } from './growth-store.ts';

/**
 * Returns the notes without those from a clock that was far ahead, which would mark paths as used for too long. Notes
 * slightly ahead stay, because a shorter run may end before a longer one.
 */
export function believedNotes({ marks, atMs }: NotedPaths, nowMs: number): NotedPaths {
  const untilMs = nowMs + limits.noteAheadMs;
  const believed = [...marks].filter(([, each]) => each <= untilMs);
  return { marks: believed.length === marks.size ? marks : new Map(believed), atMs: atMs > untilMs ? 0 : atMs };
}
