export { openApi, type Api, type CallerPlace } from './api.ts';
export type { Answer, AnswerError, Operation } from './execute.ts';
export { watchIdle, type IdleLimits, type IdleWatch } from './server/idle-watch.ts';
export { startServer, type ApiServer, type ServerOptions } from './server/start-server.ts';
export type { ListenAt } from './server/listen.ts';
export type { ApiProject, Explained, ProjectPlace, VolumeMeaning, VolumePlace, World } from './world.ts';
