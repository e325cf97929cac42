import type { BytePath, LayerIndex, Tool } from '@cachelane/core';

/** Credentials in a layer that was made elsewhere: whoever made it may have had the volume at another place, or older rules. */
export function secretIn(index: LayerIndex, tool: Tool): BytePath | null {
  for (const { path, type, removed } of index.entries()) {
    if (removed === 'counted' || removed === 'hint') continue;
    const rule = tool.classify(path, type === 'dir', { peek: () => undefined });
    if (rule.kind === 'never' && rule.isSecret === true) return path;
  }
  return null;
}
