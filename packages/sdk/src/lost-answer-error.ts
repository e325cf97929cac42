import { CachelaneError } from './errors.ts';

/**
 * A change whose answer was lost, `E_ENGINE_GONE`: the engine may have carried it out or not. Ask for the same again when an engine is there, with `key` where it is not null: it is carried out once. A fork is asked to commit
 * again; where its engine has ended before that was done, `E_NOT_SAVED` says what was saved and what was not.
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
  /** Of the change; null where it needs none. */
  readonly key: string | null;

  constructor(cause: CachelaneError, key: string | null) {
    const how = key === null ? 'ask for the same again' : `ask for the same again with the key ${JSON.stringify(key)}`;
    super('E_ENGINE_GONE', `${cause.message}; whether the change was made is not known`, {
      hint: `${how}: it is made once`,
      retryable: true,
      cause,
    });
    this.key = key;
  }
}
