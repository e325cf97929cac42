import type { Context } from '@cachelane/core';

/** Returns a context as `cachelane context --json` prints it and `CACHELANE_CONTEXT` holds it. */
export function contextJson({ endpoint, namespace, lane, trust, canWrite, why, readChain, inputs }: Context): object {
  return {
    endpoint,
    namespace,
    lane,
    trust,
    canWrite,
    why,
    readChain: readChain.map((link) => ({ namespace: link.namespace, lane: link.lane })),
    inputs: inputs.map(({ name, value, source }) => ({ name, value, source })),
  };
}
