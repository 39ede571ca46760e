import { proxyActivities } from '@temporalio/workflow';
import type { CountActivities, CountSliceActivities } from '../activities/count.js';
import { STREAM_QUEUE } from '../core/ids.js';
import { JOB_STEP, LAP } from './sliced-job-options.js';

export const countSteps =
  proxyActivities<Pick<CountActivities, 'planCount' | 'freezePartials' | 'recordCount'>>(JOB_STEP);
export const countLaps = proxyActivities<CountSliceActivities>({ ...LAP, taskQueue: STREAM_QUEUE });
/** On the control workers: it must go on while every stream worker is busy counting. */
export const mergeLaps = proxyActivities<Pick<CountActivities, 'mergeCount'>>(LAP);
