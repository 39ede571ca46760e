export { Tidemark } from './client.js';
export type { GoldClient, GoldRunOptions, GoldShowOptions } from './client/gold.js';
export type { ReplayClient, ReplayEvidence } from './client/replay.js';
export { dataDirectory, loadConfig, parseConfig, type Config } from './config.js';
export { PipelineError, type Coordinates } from './core/errors.js';
export type * from './messages.js';
