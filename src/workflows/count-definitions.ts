import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { CountProgress } from '../messages.js';

/** Ends a count between two commits; a start with the same input goes on. */
export const stopCount = defineSignal('stop');
export const countProgress = defineQuery<CountProgress>('progress');
