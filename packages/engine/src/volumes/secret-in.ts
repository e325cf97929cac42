import type { BytePath, LayerIndex, Tool } from '@cachelane/core';

/** Returns the path of a credential in a layer from elsewhere, or null. Its maker may have had another target path or older rules. */
export function secretIn(index: LayerIndex, tool: Tool): BytePath | null {
  for (const { path, type, removed } of index.entries()) {
    if (removed === 'counted' || removed === 'hint') continue;
    const rule = tool.classify(path, type === 'dir', { peek: () => undefined });
    if (rule.kind === 'never' && rule.isSecret === true) return path;
  }
  return null;
}
