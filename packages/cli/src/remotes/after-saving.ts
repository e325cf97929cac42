import type { EngineEvent, TrustLevel, VolumeReport } from '@cachelane/core';
import { collectLater, collectSharedLater } from './collect-later.ts';
import type { Host } from '../host/host.ts';
import type { ChosenRemote } from './open-chosen-remote.ts';
import { pushLater } from './push-later.ts';

export interface Saved {
  readonly homeDir: string;
  readonly shared: ChosenRemote;
  /** Of the lane that was written. */
  readonly trust: TrustLevel;
  readonly reports: readonly VolumeReport[];
}

type Warn = (event: EngineEvent) => void;

type PushLater = (host: Host, saved: Saved, warn: (message: string) => void) => Promise<unknown>;

/** What nobody waits for after a save, by processes that are left behind: sending, and collecting here and there. Whatever fails of it is a warning. `push`: how it is sent. */
export async function afterSaving(host: Host, saved: Saved, warn: Warn, push: PushLater = pushLater): Promise<void> {
  await push(host, saved, (message) =>
    warn({ type: 'warning', code: 'E_REMOTE_GONE', message, hint: 'cachelane push tells more' }),
  );
  await collectLater(host, saved, (message) =>
    warn({ type: 'warning', code: 'E_INTERNAL', message, hint: 'cachelane gc --dry-run tells more' }),
  );
  await collectSharedLater(host, saved, (message) =>
    warn({ type: 'warning', code: 'E_REMOTE_GONE', message, hint: 'cachelane gc --remote tells more' }),
  );
}
