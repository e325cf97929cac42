export { ignoredSignals } from './signals/ignored-signals.ts';
export { canMountImages } from './process/probe-images.ts';
export { type OverlayProbe, probeOverlay, type ProbeOptions } from './process/probe-overlay.ts';
export { type MountWay, processRuntime, type ProcessRuntimeOptions } from './process/process-runtime.ts';
export { sudoProblem } from './chain/sudo-problem.ts';
export { directoryProvider, hostProvider } from './providers/directory-providers.ts';
export { dockerVolumeProvider } from './providers/docker-volume-provider.ts';
export { inUsableDirectory } from './providers/usable-directory.ts';
