import { transferFilesConformance } from '@cachelane/testkit';
import { createTransferHome } from './transfer-home.fixture.ts';

transferFilesConformance('files', createTransferHome);
