export { openApi, type Api, type SessionToken } from './api.ts';
export type { CallerPlace } from './clients.ts';
export type { Answer, AnswerError, Operation } from './execute.ts';
export type { ApiProject, Explained, ProjectPlace, ProjectRun, VolumeMeaning, VolumePlace, World } from './world.ts';
