export { openApi, type Api, type SessionToken } from './api.ts';
export type { CallerPlace } from './clients.ts';
export type { Answer, AnswerError, Operation } from './execute.ts';
export { watchIdle, type IdleRules, type IdleWatch } from './server/idle-watch.ts';
export { startServer, type ApiServer, type ServerOptions } from './server/start-server.ts';
export type { ListenAt } from './server/listen.ts';
export type {
  ApiProject,
  Explained,
  ProjectLock,
  ProjectPlace,
  ProjectRun,
  SavedWork,
  VolumeMeaning,
  VolumePlace,
  World,
} from './world.ts';
