import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { ReplayProgress, ReplayRate } from '../messages.js';

/** What a running replay can be asked and told; shared by workflow and client. */

export const pauseReplay = defineSignal('pause');
export const resumeReplay = defineSignal('resume');
/** Replaces both limits; an empty one lifts them. */
export const setReplayRate = defineSignal<[ReplayRate]>('rate');
export const replayProgress = defineQuery<ReplayProgress>('progress');
