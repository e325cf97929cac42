import type { ApiProject } from '../request/world.ts';

export function contextNode({ context, warnings }: ApiProject): object {
  return { ...context, warnings };
}
