export { openApi, type Api, type CallerPlace } from './api.ts';
export type { Answer, AnswerError, Operation } from './execute.ts';
export type { ApiProject, Explained, ProjectPlace, VolumeMeaning, VolumePlace, World } from './world.ts';
