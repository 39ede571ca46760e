/** Every workflow by its Temporal type name; the worker bundles this file. */
export { cleanLogins } from './clean-logins.js';
export { countUniqueUsers } from './count-unique-users.js';
export { goldBackfill } from './gold-backfill.js';
export { goldDay } from './gold-day.js';
export { replayTopicRange } from './replay-topic-range.js';
export { verifyDeployment } from './verify-deployment.js';
