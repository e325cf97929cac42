import type { EngineEvent, TrustLevel, VolumeReport } from '@cachelane/core';
import { collectLater, collectSharedLater } from './collect-later.ts';
import type { Host } from '../host/host.ts';
import type { ChosenRemote } from './open-chosen-remote.ts';
import { pushLater } from './push-later.ts';

export interface Saved {
  readonly homeDir: string;
  readonly shared: ChosenRemote;
  /** Of the written lane. */
  readonly trust: TrustLevel;
  readonly reports: readonly VolumeReport[];
}

type Warn = (event: EngineEvent) => void;

type PushLater = (host: Host, saved: Saved, warn: (message: string) => void) => Promise<unknown>;

/** Starts background processes after a save: push and collections. Failures are warnings. */
export async function afterSaving(host: Host, saved: Saved, warn: Warn, push: PushLater = pushLater): Promise<void> {
  await push(host, saved, (message) =>
    warn({ type: 'warning', code: 'E_REMOTE_GONE', message, hint: 'for details, run cachelane push' }),
  );
  await collectLater(host, saved, (message) =>
    warn({ type: 'warning', code: 'E_INTERNAL', message, hint: 'for details, run cachelane gc --dry-run' }),
  );
  await collectSharedLater(host, saved, (message) =>
    warn({ type: 'warning', code: 'E_REMOTE_GONE', message, hint: 'for details, run cachelane gc --remote' }),
  );
}
