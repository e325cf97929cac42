import {
  addPathMarks,
  believedNotes,
  decodePathMarks,
  encodePathMarks,
  limits,
  type GrowthStore,
  type NotedPaths,
} from '@cachelane/core';
import { headKey, transact, type MemoryState } from './memory-state.ts';

const nothing: NotedPaths = { marks: new Map(), atMs: 0 };

export function memoryGrowth(state: MemoryState): GrowthStore {
  return {
    notedPaths: (volumeId, lane, note, signal) =>
      transact(signal, () => state.notedPaths.get(headKey(volumeId, lane))?.[note] ?? nothing),
    notePaths: ({ volumeId, lane, note, paths, atMs, moves }, signal) =>
      transact(signal, () => {
        const key = headKey(volumeId, lane);
        if (!state.heads.has(key)) return;
        const notes = state.notedPaths.get(key) ?? {};
        const known = believedNotes(notes[note] ?? nothing, atMs);
        const sinceMs = atMs - limits.pathNotesMs;
        const marks = addPathMarks(known.marks, { paths, sinceMs, limit: limits.notedPaths });
        const noted = {
          // As exact as the encoded form.
          marks: decodePathMarks(encodePathMarks(marks)),
          atMs: moves ? Math.max(atMs, known.atMs) : known.atMs,
        };
        state.notedPaths.set(key, { ...notes, [note]: noted });
      }),
  };
}
