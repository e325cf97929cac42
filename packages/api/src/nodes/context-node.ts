import type { ApiProject } from '../world.ts';

export function contextNode({ context, warnings }: ApiProject): object {
  return { ...context, warnings };
}
