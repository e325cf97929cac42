import { basicTypes } from './schema/basics.ts';
import { catalogTypes } from './schema/catalogs.ts';
import { contextTypes } from './schema/context.ts';
import { eventTypes } from './schema/events.ts';
import { forkTypes } from './schema/forks.ts';
import { layerTypes } from './schema/layers.ts';
import { mutationTypes } from './schema/mutation.ts';
import { namespaceTypes } from './schema/namespaces.ts';
import { queryType } from './schema/query.ts';
import { sharingTypes } from './schema/sharing.ts';
import { volumeTypes } from './schema/volumes.ts';

/**
 * The schema of the engine's API, one for every endpoint: the engine that a program starts for itself, `cachelane serve`, and a hub. Descriptions are the
 * reference that docs/API.md prints; a change here is a change of the wire, and `protocol-version.ts` says what that takes.
 */
export const schemaText: string = [
  basicTypes,
  queryType,
  contextTypes,
  namespaceTypes,
  sharingTypes,
  volumeTypes,
  catalogTypes,
  layerTypes,
  mutationTypes,
  forkTypes,
  eventTypes,
]
  .join('')
  .trimStart();
