/**
 * Set for processes that tidy up in a store after whoever started them has ended; its value is the store's home. A run with a run inside
 * it sees them among its own processes, and knows by this that they write to nothing of the command's.
 */
export const backgroundVariable = 'CACHELANE_BACKGROUND';
