import type { Host } from '../host/host.ts';
import { pushLater, type LaterPush } from '../remotes/push-later.ts';

/** Pushes of an engine, which may save many times a second. */
export interface EnginePushes extends AsyncDisposable {
  /** Like {@link pushLater}, with one push at a time. Saves during a push start another push after it. */
  readonly push: (host: Host, later: LaterPush, warn: (message: string) => void) => Promise<void>;
}

/** On disposal, a background process sends what still waits. */
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
    // A report with nothing to send must not replace one that has.
    if (later.reports.every(({ sync }) => sync?.pushed !== 'later')) return;
    if (isAtWork) next = start;
    else await start();
  };
  return { push, [Symbol.asyncDispose]: startNext };
}
