import { emptyTransferState, memoryTransferFiles } from './memory-transfer-files.ts';
import { transferFilesConformance } from './transfer-files-conformance.ts';

transferFilesConformance('memory', () => {
  const state = emptyTransferState();
  return Promise.resolve({
    open: () => memoryTransferFiles({ state, nowMs: () => Date.now() }),
    age: (object, changedAtMs) => {
      const part = state.parts.get(object);
      if (part !== undefined) part.changedAtMs = changedAtMs;
    },
    leftovers: () => [...state.parts.keys()],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
