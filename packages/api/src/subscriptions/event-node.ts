import type { EngineEvent } from '@cachelane/core';
import type { TimedEvent } from '../request/event-feed.ts';
import { isoTime } from '../values/iso-time.ts';
import { savedNode } from '../nodes/saved-node.ts';

/** Formats an event as in the schema. */
export function eventNode({ atMs, event }: TimedEvent): object {
  return { at: isoTime(atMs), ...fieldsOf(event) };
}

function fieldsOf(event: EngineEvent): object {
  switch (event.type) {
    case 'session-opened':
      return { type: 'SESSION_OPENED', message: event.why };
    case 'attached':
      return { type: 'ATTACHED', volume: event.volume, message: event.mounterWhy };
    case 'waiting':
      return { type: 'WAITING', message: event.message };
    case 'progress':
      return { type: 'PROGRESS', volume: event.volume, message: event.activity, done: event.done, total: event.total };
    case 'volume-done':
      return { type: 'SAVED', volume: event.report.name, saved: savedNode(event.report) };
    case 'synced':
      return { type: 'SYNCED', volume: event.volume, message: event.report.why };
    case 'warning':
      return { type: 'WARNING', message: event.message, code: event.code, hint: event.hint };
    case 'namespace-adopted':
      return { type: 'OTHER', message: `the volumes of ${event.from} now belong to ${event.to}` };
    case 'extracting':
      return { type: 'OTHER', message: event.reason };
    case 'command-ended':
      return { type: 'OTHER', message: `the command ended with ${event.exitCode}` };
    case 'leftovers':
      return { type: 'OTHER', message: `processes that outlived the command: ${event.action}` };
  }
}
