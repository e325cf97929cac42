import type { Context } from '@cachelane/core';

/** A context for programs: what `cachelane context --json` prints, and what commands find in `CACHELANE_CONTEXT`. */
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
