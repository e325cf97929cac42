// Loaded by `node --import`: makes the process's monotonic clock and its long intervals run 20 times as fast.

const factor = 20;
const longMs = 5000;

const startMs = performance.now();
const now = performance.now.bind(performance);
performance.now = () => startMs + (now() - startMs) * factor;

const interval = globalThis.setInterval;
globalThis.setInterval = ((callback: () => void, ms = 0) =>
  interval(callback, ms < longMs ? ms : ms / factor)) as typeof setInterval;
