import { limits, parseId, parseLane, type LaneName, type RunId, type SessionId } from '@cachelane/core';
import { attachModes, type AttachMode } from './attach-mode.ts';

/** The contents of a fork id: enough to find its result in the history. */
export interface ForkId {
  readonly session: SessionId;
  readonly run: RunId;
  /** The lane that it writes. */
  readonly lane: LaneName;
  readonly mode: AttachMode;
  /** Ids of its volumes, in the order of saving. */
  readonly volumes: readonly string[];
}

export function formatForkId({ session, run, lane, mode, volumes }: ForkId): string {
  return Buffer.from(JSON.stringify(['f', session, run, lane, mode, volumes]), 'utf8').toString('base64url');
}

/** Returns the parsed id; undefined if {@link formatForkId} would not make it. Ids may be forged. */
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
