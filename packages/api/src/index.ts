export { openApi, type Api, type SessionToken } from './execute/api.ts';
export type { CallerPlace } from './request/clients.ts';
export type { AnswerError } from './execute/answer-error.ts';
export type { Answer, Operation } from './execute/execute.ts';
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
} from './request/world.ts';
