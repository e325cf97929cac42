/**
 * Set for processes that tidy up in a store after whoever started them has ended; its value is the store's home. A run with a run inside
 * it sees them among its own processes, and knows by this that they write to nothing of the command's.
 */
export const backgroundVariable = 'CACHELANE_BACKGROUND';

/** First line of a shell script that goes on alone: an outer run may have left us its lease, which is to be free when that run's command has ended. */
export const closeInherited = 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-\n';
