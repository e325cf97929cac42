import { type RunId, type SessionId, newId } from '@cachelane/core';
import type { EngineDependencies } from './engine-dependencies.ts';
import type { RunCommandRequest } from './run-request.ts';

export interface Ids {
  readonly sessionId: SessionId;
  readonly run: RunId;
}

/** What opening a session needs. */
export type SessionInput = Pick<
  RunCommandRequest,
  | 'context'
  | 'mode'
  | 'purpose'
  | 'directory'
  | 'revision'
  | 'workflow'
  | 'lanePolicy'
  | 'lockWaitMs'
  | 'strict'
  | 'signal'
>;

export function newIds({ random }: Pick<EngineDependencies, 'random'>): Ids {
  return { sessionId: newId('session', random.bytes(16)), run: newId('run', random.bytes(16)) };
}
