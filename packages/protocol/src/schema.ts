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
 * The schema of the engine's API, the same for every endpoint. docs/reference/api.md is generated from its descriptions.
 * For changes see `protocol-version.ts`.
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
