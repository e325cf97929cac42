import type { Host } from '../host/host.ts';
import { pushLater, type LaterPush } from '../remotes/push-later.ts';

/** Of an engine, which may save many times a second. */
export interface EnginePushes extends AsyncDisposable {
  /** As {@link pushLater}; while a push is at work none is started, and another one when it has ended, since it may not have seen what was saved meanwhile. */
  readonly push: (host: Host, later: LaterPush, warn: (message: string) => void) => Promise<void>;
}

/** Disposed of, what still waits for a push is sent by one that nobody waits for. */
export function enginePushes(): EnginePushes {
  let isAtWork = false;
  let next: (() => Promise<void>) | null = null;
  const startNext = async (): Promise<void> => {
    const start = next;
    next = null;
    await start?.();
  };
  const push: EnginePushes['push'] = async (host, later, warn) => {
    const start = async (): Promise<void> => {
      isAtWork = true;
      const onEnd = (): void => {
        isAtWork = false;
        void startNext();
      };
      if (!(await pushLater(host, { ...later, onEnd }, warn))) onEnd();
    };
    // What has nothing to send must not take the place of what has.
    if (later.reports.every(({ sync }) => sync?.pushed !== 'later')) return;
    if (isAtWork) next = start;
    else await start();
  };
  return { push, [Symbol.asyncDispose]: startNext };
}
