export interface Check {
  readonly name: string;
  /** `fail`: runs have no cache, or not the remote that was named. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** A shorter detail for a check that is ok; absent: the detail is short. */
  readonly brief?: string;
  /** What to do; null: nothing. */
  readonly mend: string | null;
}
