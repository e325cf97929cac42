import { CachelaneError, parseId, type Metadata, type RunId, type RunRecord } from '@cachelane/core';
import { formatTime, printable } from '../base/format.ts';
import { isoTime, shortId } from '../host/print.ts';
import type { ReadStore } from '../home/store.ts';

/** Fewer digits could name another run by accident. */
const leastDigits = 6;

/**
 * Returns the run with this id, or with an id that begins so (`run_` is optional). A full id may be unknown here. Errors: E_USAGE, and
 * E_NOT_FOUND if no run or several match.
 */
export async function parseRun(
  { metadata, signal }: Pick<ReadStore, 'metadata' | 'signal'>,
  text: string,
): Promise<RunId> {
  const digits = text.startsWith('run_') ? text.slice('run_'.length) : text;
  if (!/^[0-9a-f]+$/.test(digits) || digits.length < leastDigits || digits.length > 32) {
    throw new CachelaneError('E_USAGE', `${JSON.stringify(text.slice(0, 80))} is not a run id`, {
      hint: `write run_ and at least ${leastDigits} hex digits, see: cachelane log`,
    });
  }
  if (digits.length === 32) return parseId('run', `run_${digits}`);
  const found = await metadata.findRuns(`run_${digits}`, signal);
  if (found[0] !== undefined && found.length === 1) return found[0].id;
  if (found.length > 1) {
    throw new CachelaneError('E_NOT_FOUND', `several runs begin with ${text}`, { hint: 'give more digits' });
  }
  throw new CachelaneError('E_NOT_FOUND', `there is no run ${text}`, { hint: 'cachelane log lists runs' });
}

/** Describes a run: time, lane and source. */
export function runText(id: RunId, record: RunRecord | null): string {
  if (record === null) return `${shortId(id)} (no longer recorded)`;
  const { lane, startedAtMs, revision, workflow } = record;
  const of = [revision === null ? null : revision.slice(0, 12), workflow].filter((each) => each !== null);
  return printable([`${shortId(id)} ${lane} ${formatTime(startedAtMs)}`, ...of].join(' '));
}

export function runJson(id: RunId, record: RunRecord | null): unknown {
  return {
    run: id,
    lane: record?.lane ?? null,
    revision: record?.revision ?? null,
    workflow: record?.workflow ?? null,
    purpose: record?.purpose ?? null,
    startedAt: record === null ? null : isoTime(record.startedAtMs),
  };
}

/** Returns records in the same order; null for runs that are no longer recorded. */
export async function recordsOf(
  { metadata, signal }: { readonly metadata: Pick<Metadata, 'run'>; readonly signal: AbortSignal },
  ids: readonly RunId[],
): Promise<readonly (readonly [RunId, RunRecord | null])[]> {
  const records: (readonly [RunId, RunRecord | null])[] = [];
  for (const id of ids) records.push([id, (await metadata.run(id, signal)) ?? null]);
  return records;
}
