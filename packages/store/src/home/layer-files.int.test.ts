import { layerStoreConformance } from '@cachelane/testkit';
import { createLayerHome } from './layer-home.fixture.ts';

layerStoreConformance('files', createLayerHome);
