/**
 * Marks background processes that clean up a store; the value is the store's home. An outer run sees that they do not
 * write to its volumes.
 */
export const backgroundVariable = 'CACHELANE_BACKGROUND';

/**
 * First line of a background shell script. It closes an inherited lease, which an outer run must be able to release.
 */
export const closeInherited = 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-\n';
