/** Flies one canary with the configuration that its parent sends, to be killed meanwhile. */
import { once } from 'node:events';
import { canary } from '../../src/activities/checks/canary.js';
import type { Config } from '../../src/config.js';
import { CheckRunner } from './checks.js';

const [config] = (await once(process, 'message')) as [Config];
const checks = await CheckRunner.open(config);
await checks.run(canary);
await checks.close();
process.exit(0);
