import {
  addPathMarks,
  believedNotes,
  decodePathMarks,
  encodePathMarks,
  limits,
  type GrowthStore,
  type LaneName,
  type NotedPaths,
  type NotePathsRequest,
  type PathNote,
  type VolumeId,
} from '@cachelane/core';
import type { Sql, SqliteDatabase } from '../sqlite/sqlite-database.ts';

interface NotedRow {
  readonly marks: Uint8Array;
  readonly at_ms: number;
}

export function growthStore(database: SqliteDatabase): GrowthStore {
  return {
    notedPaths: (volumeId, lane, note, signal) =>
      database.read(signal, (sql) => notedPaths(sql, { volumeId, lane, note })),
    // Losing a mark in a power cut does no harm.
    notePaths: (request, signal) => database.write('fast', signal, (sql) => notePaths(sql, request)),
  };
}

interface Place {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly note: PathNote;
}

function notedPaths(sql: Sql, { volumeId, lane, note }: Place): NotedPaths {
  const row = sql.get<NotedRow>(
    'SELECT marks, at_ms FROM noted_paths WHERE volume_id = ? AND lane = ? AND note = ?',
    volumeId,
    lane,
    note,
  );
  return row === undefined ? { marks: new Map(), atMs: 0 } : { marks: decodePathMarks(row.marks), atMs: row.at_ms };
}

function notePaths(sql: Sql, request: NotePathsRequest): void {
  const { volumeId, lane, note, paths, atMs, moves } = request;
  if (sql.get('SELECT 1 FROM heads WHERE volume_id = ? AND lane = ?', volumeId, lane) === undefined) return;
  const known = believedNotes(notedPaths(sql, request), atMs);
  const marks = addPathMarks(known.marks, {
    paths,
    sinceMs: atMs - limits.pathNotesMs,
    limit: limits.notedPaths,
  });
  sql.run(
    'INSERT OR REPLACE INTO noted_paths (volume_id, lane, note, at_ms, marks) VALUES (?, ?, ?, ?, ?)',
    volumeId,
    lane,
    note,
    moves ? Math.max(atMs, known.atMs) : known.atMs,
    encodePathMarks(marks),
  );
}

export function removeNotedPaths(sql: Sql, volumeId: VolumeId, lane: LaneName): void {
  sql.run('DELETE FROM noted_paths WHERE volume_id = ? AND lane = ?', volumeId, lane);
}
