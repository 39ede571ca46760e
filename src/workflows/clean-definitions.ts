import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { CleanProgress } from '../messages.js';

/** Ends a cleaning between two commits; a start with the same input goes on. */
export const stopClean = defineSignal('stop');
export const cleanProgress = defineQuery<CleanProgress>('progress');
