/** How far one piece of work is. */
export interface ProgressUpdate {
  /** Names the work: `verifying`. */
  readonly activity: string;
  readonly done: number;
  /** Null while unknown. */
  readonly total: number | null;
  /** `bytes`, or a plural noun. */
  readonly unit: string;
}

export type OnProgress = (update: ProgressUpdate) => void;
