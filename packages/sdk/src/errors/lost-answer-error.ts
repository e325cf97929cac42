import { CachelaneError } from './errors.ts';

interface Named {
  readonly key: string | null;
  /** Whose commit it is; null for any other change. */
  readonly fork: string | null;
}

/**
 * A change whose answer was lost, `E_ENGINE_GONE`: the engine may have carried it out or not. With `key`, where it is not null, the same call is carried out once, however often it is asked. A fork is asked to commit
 * again; where its engine has ended before that was done, `E_NOT_SAVED` says what was saved and what was not. Other changes are carried out anew, and come to the same unless somebody changed the same meanwhile.
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

  constructor(cause: CachelaneError, { key, fork }: Named) {
    super('E_ENGINE_GONE', `${cause.message}; whether the change was made is not known`, {
      hint: hintFor({ key, fork }),
      retryable: true,
      cause,
    });
    this.key = key;
  }
}

function hintFor({ key, fork }: Named): string {
  if (fork !== null) return 'ask for the same again: it is made once';
  return key === null
    ? 'look what is there, and ask for the same again: it is made of what is there then'
    : `ask for the same again with the key ${JSON.stringify(key)}: it is made once`;
}
