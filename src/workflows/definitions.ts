import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { GoldBackfillProgress, GoldDayProgress, GoldDayRequest } from '../messages.js';

/** What a running workflow can be asked and told; shared by workflows and clients. */

/** Adds a caller's options to a day, running or just started. */
export const goldRequest = defineUpdate<void, [GoldDayRequest]>('request');
export const goldProgress = defineQuery<GoldDayProgress>('progress');

/** Starts no further day; those under way are finished. */
export const backfillPause = defineSignal('pause');
export const backfillResume = defineSignal('resume');
export const backfillProgress = defineQuery<GoldBackfillProgress>('progress');
