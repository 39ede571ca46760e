import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { GoldDayProgress, GoldDayRequest } from '../messages.js';

/** What a running workflow can be asked and told; shared by workflows and clients. */

/** Adds a caller's options to a day, running or just started. */
export const goldRequest = defineUpdate<void, [GoldDayRequest]>('request');
export const goldProgress = defineQuery<GoldDayProgress>('progress');
