import type { Day } from './day.js';

/** Every id of the project is derived here, never random, so that a second start meets the first. */

export const goldDayWorkflowId = (day: Day): string => `gold-day/${day}`;

/** Temporal task queue of workflows and short activities. */
export const CONTROL_QUEUE = 'tidemark-control';
/** Temporal task queue of stream slices: one long activity at a time per worker process. */
export const STREAM_QUEUE = 'tidemark-stream';

/** The reserved user and the prefix of reserved event ids: kept out of gold and of user-facing views. */
export const CANARY_USER_ID = '9000000000000000001';
export const CANARY_EVENT_PREFIX = 'tidemark-canary:';
