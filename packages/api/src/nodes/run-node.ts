import type { RunId, RunRecord } from '@cachelane/core';
import type { ApiRequest } from '../request/request.ts';
import { isoTime } from '../values/iso-time.ts';

export interface RunNode {
  readonly id: string;
  readonly lane: string | null;
  readonly startedAt: string | null;
  readonly revision: string | null;
  readonly workflow: string | null;
}

export async function runNode({ world, signal }: ApiRequest, id: RunId): Promise<RunNode> {
  return runOf(id, (await world.deps.metadata.run(id, signal)) ?? null);
}

export function runOf(id: RunId, record: RunRecord | null): RunNode {
  return {
    id,
    lane: record?.lane ?? null,
    startedAt: record === null ? null : isoTime(record.startedAtMs),
    revision: record?.revision ?? null,
    workflow: record?.workflow ?? null,
  };
}
