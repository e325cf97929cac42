// For `node --import`: the process's monotonic clock and its long intervals run 20 times as fast.

const factor = 20;
const longMs = 5000;

const now = process.hrtime.bigint.bind(process.hrtime);
const startNs = now();
process.hrtime.bigint = () => startNs + (now() - startNs) * BigInt(factor);

const interval = globalThis.setInterval;
globalThis.setInterval = ((callback: () => void, ms = 0) =>
  interval(callback, ms < longMs ? ms : ms / factor)) as typeof setInterval;
