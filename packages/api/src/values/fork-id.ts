import { limits, parseId, parseLane, type LaneName, type RunId, type SessionId } from '@cachelane/core';
import { attachModes, type AttachMode } from './attach-mode.ts';

/** What the id of a fork says of it: enough to tell what became of it when nobody has it at hand any more. */
export interface ForkId {
  readonly session: SessionId;
  readonly run: RunId;
  /** That it writes. */
  readonly lane: LaneName;
  readonly mode: AttachMode;
  /** Ids of its volumes, in the order in which they are saved. */
  readonly volumes: readonly string[];
}

export function formatForkId({ session, run, lane, mode, volumes }: ForkId): string {
  return Buffer.from(JSON.stringify(['f', session, run, lane, mode, volumes]), 'utf8').toString('base64url');
}

/** Whoever sends an id may have made it up: undefined for what {@link formatForkId} does not make. It says nothing that its sender may not know. */
export function parseForkId(text: string): ForkId | undefined {
  try {
    const fields: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    const id = Array.isArray(fields) ? forkOf(fields) : undefined;
    return id !== undefined && formatForkId(id) === text ? id : undefined;
  } catch {
    return undefined;
  }
}

function forkOf([kind, session, run, lane, named, volumes]: readonly unknown[]): ForkId | undefined {
  const mode = attachModes.find((each) => each === named);
  if (kind !== 'f' || mode === undefined || !Array.isArray(volumes) || !volumes.every(isText)) return undefined;
  if (volumes.length === 0 || volumes.length > limits.volumesPerRun || new Set(volumes).size < volumes.length) {
    return undefined;
  }
  if (!isText(session) || !isText(run) || !isText(lane)) return undefined;
  parseLane(lane);
  return { session: parseId('session', session), run: parseId('run', run), lane: lane as LaneName, mode, volumes };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
