import { remoteHeadsConformance, remoteObjectsConformance } from '@cachelane/testkit';
import { dirRemotes } from '../remote-world.fixture.ts';

remoteObjectsConformance('a directory', dirRemotes);
remoteHeadsConformance('a directory', dirRemotes);
