import { describeHypervisor } from './contract.ts';
import { simulatedFixture } from './simulated-fixture.ts';

describeHypervisor('simulated', simulatedFixture);
