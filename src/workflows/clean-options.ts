import { proxyActivities } from '@temporalio/workflow';
import type { CleanActivities, CleanSliceActivities } from '../activities/clean.js';
import { STREAM_QUEUE } from '../core/ids.js';
import { JOB_STEP, LAP } from './sliced-job-options.js';

export const cleanSteps =
  proxyActivities<Pick<CleanActivities, 'planClean' | 'freezeCleanPartials' | 'recordClean'>>(JOB_STEP);
export const cleanLaps = proxyActivities<CleanSliceActivities>({ ...LAP, taskQueue: STREAM_QUEUE });
/** On the control workers: it must go on while every stream worker is busy cleaning. */
export const mergeLaps = proxyActivities<Pick<CleanActivities, 'mergeClean'>>(LAP);
