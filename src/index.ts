export { Tidemark } from './client.js';
export type { GoldClient, GoldRunOptions, GoldShowOptions } from './client/gold.js';
export type { GoldBackfillOptions, GoldStatusOptions } from './client/gold-backfill.js';
export type { ReplayClient, ReplayEvidence } from './client/replay.js';
export type { GoldScheduleOptions, GoldScheduleView, ScheduleClient } from './client/schedule.js';
export { dataDirectory, loadConfig, parseConfig, type Config } from './config.js';
export { PipelineError, type Coordinates } from './core/errors.js';
export type { BackfillSelection, GoldDayState, PlannedDay } from './core/gold-days.js';
export type * from './messages.js';
