export interface Check {
  readonly name: string;
  /** `fail`: a run would go on without a cache, or without the remote that it was to have. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do about it; null where there is nothing to do. */
  readonly mend: string | null;
}
