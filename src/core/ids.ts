import type { Day } from './day.js';

/** Every id of the project is derived here, never random, so that a second start meets the first. */

export const goldDayWorkflowId = (day: Day): string => `gold-day/${day}`;

/** One range, one backfill at a time; overlapping ranges meet in their days. */
export const goldBackfillWorkflowId = (from: Day, to: Day): string => `gold-backfill/${from}..${to}`;

/** Temporal schedule, and the prefix of the workflows that it starts. */
export const GOLD_SCHEDULE_ID = 'gold-daily';

/** One verification at a time: who comes second attaches. */
export const VERIFY_WORKFLOW_ID = 'verify-deployment';

export const replayWorkflowId = (job: string): string => `replay/${job}`;
/** Who writes a replay's plan and result, and where they lie among the checkpoints. */
export const replayJobId = (job: string): string => `replay/${job}`;
/** Transactional id and checkpoint key of one slice. */
export const replaySliceId = (job: string, slice: number): string => `replay/${job}/${slice}`;
export const countWorkflowId = (job: string): string => `count/${job}`;
/** Who writes a count's plan and result, and where they lie among the checkpoints. */
export const countJobId = (job: string): string => `count/${job}`;
/** Transactional id and checkpoint key of one slice, or of the merge stage. */
export const countPartId = (job: string, part: number | 'merge'): string => `count/${job}/${part}`;
/** Topic in which the slices of a count tell the merge stage what they have counted. */
export const countPartialsTopic = (job: string): string => `tidemark.partials.${job}`;
/** Transactional id and checkpoint key of redriving a topic of dead letters; a topic made anew has other offsets. */
export const redriveId = (topic: string, topicId: string): string => `redrive/${topic}/${topicId}`;

export const cleanWorkflowId = (job: string): string => `clean/${job}`;
/** Who writes a cleaning's plan and result, and where they lie among the checkpoints. */
export const cleanJobId = (job: string): string => `clean/${job}`;
/** Transactional id and checkpoint key of one slice, or of the merge stage. */
export const cleanPartId = (job: string, part: number | 'merge'): string => `clean/${job}/${part}`;
/** Topic in which the slices of a cleaning tell the merge stage what they found. */
export const cleanPartialsTopic = (job: string): string => `tidemark.partials.clean.${job}`;

/** Temporal task queue of workflows and short activities. */
export const CONTROL_QUEUE = 'tidemark-control';
/** Temporal task queue of stream slices: one long activity at a time per worker process. */
export const STREAM_QUEUE = 'tidemark-stream';

/** The reserved user and the prefix of reserved event ids: kept out of gold and of user-facing views. */
export const CANARY_USER_ID = '9000000000000000001';
export const CANARY_EVENT_PREFIX = 'tidemark-canary:';
/** `_id` of the event that the canary check writes: one canary at a time. */
export const CANARY_EVENT_ID = `${CANARY_EVENT_PREFIX}verify`;

/** `_id` of the event by which a barrier marks its moment in the source. One per barrier: an earlier one's, arrived already, proves nothing. */
export const barrierEventId = (barrier: string): string => `${CANARY_EVENT_PREFIX}barrier/${barrier}`;

/** Of one attempt at a day: its staging table and its queries carry who they belong to, so that others can end them. */
export interface GoldAttempt {
  readonly day: Day;
  /** Run id of the Temporal workflow (a UUID). */
  readonly runId: string;
  readonly attempt: number;
}

/** Every staging table of a day starts with this. */
export const goldStagingPrefix = (day: Day): string => `gold_staging_${day.replaceAll('-', '')}_`;

export const goldStagingTable = ({ day, runId, attempt }: GoldAttempt): string =>
  `${goldStagingPrefix(day)}${runId.replaceAll('-', '')}_${attempt}`;

/** Every query_id of a day starts with this. */
export const goldQueryPrefix = (day: Day): string => `gold-day/${day}/`;

/** Every query_id of an attempt starts with this. */
export const goldAttemptQueryPrefix = ({ day, runId, attempt }: GoldAttempt): string =>
  `${goldQueryPrefix(day)}${runId}/${attempt}/`;
