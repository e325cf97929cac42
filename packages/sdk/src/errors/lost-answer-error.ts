import { CachelaneError } from './errors.ts';

interface Named {
  readonly key: string | null;
  /** The fork that was committed; null for any other change. */
  readonly fork: string | null;
}

/**
 * Thrown when the answer to a change was lost (`E_ENGINE_GONE`): the engine may or may not have made it. Repeat the
 * call, with `key` if it is not null, and the change is made only once. For a fork, repeat the commit; if its engine
 * ended before, `E_NOT_SAVED` says what was saved. Other changes have the same effect when repeated, unless another
 * client made changes in between.
 *
 * @example
 * ```ts
 * import { LostAnswerError, type CacheVolume, type RolledBack } from '@cachelane/sdk';
 *
 * async function goBack(volume: CacheVolume): Promise<RolledBack> {
 *   try {
 *     return await volume.rollback();
 *   } catch (error) {
 *     if (!(error instanceof LostAnswerError) || error.key === null) throw error;
 *     return await volume.rollback({ key: error.key });
 *   }
 * }
 * ```
 */
export class LostAnswerError extends CachelaneError {
  /** The key of the change; null if it needs none. */
  readonly key: string | null;

  constructor(cause: CachelaneError, { key, fork }: Named) {
    super('E_ENGINE_GONE', `${cause.message}; the change may or may not have been made`, {
      hint: hintFor({ key, fork }),
      retryable: true,
      cause,
    });
    this.key = key;
  }
}

function hintFor({ key, fork }: Named): string {
  if (fork !== null) return 'repeat the call: the change is made only once';
  return key === null
    ? 'check the present state, then repeat the call: it acts on that state'
    : `repeat the call with the key ${JSON.stringify(key)}: the change is made only once`;
}
