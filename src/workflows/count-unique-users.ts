import { continueAsNew, ContinueAsNew, isCancellation, setHandler } from '@temporalio/workflow';
import type { CountInput, CountPlan, CountReport, CountResult } from '../messages.js';
import { countProgress, stopCount } from './count-definitions.js';
import { countLaps, countSteps, mergeLaps } from './count-options.js';
import { failed, faultOf } from './failure.js';
import { sliceAndMerge, SlicedJob } from './sliced-job.js';

/**
 * Counts unique users of a topic of frames; its id is `count/<job>`. Slices count side by side, one merge stage makes the
 * results. A bounded job ends with its result; a live one when it is stopped, and goes on when it is started again.
 * Whatever is carried over is in Kafka: plan, checkpoints, states.
 */
export async function countUniqueUsers(input: CountInput): Promise<CountResult> {
  const count = new SlicedJob<CountPlan>(input.job);
  setHandler(countProgress, () => count.progress());
  setHandler(stopCount, () => count.stop());
  try {
    const { plan, result } = await countSteps.planCount(input);
    if (result !== null) return { ...result, reused: true };
    count.begin(plan);
    const outcome = await sliceAndMerge(count, plan, {
      slice: (slice) => countLaps.countSlice({ plan, slice }),
      merge: (ends) => mergeLaps.mergeCount({ plan, ends }),
      freeze: () => countSteps.freezePartials({ plan }),
    });
    if (outcome === 'again') return await continueAsNew<typeof countUniqueUsers>(input);
    if (outcome === 'stopped') {
      return { ...count.result('stopped', mergedCounts), codeVersion: null, reused: false };
    }
    return await countSteps.recordCount({ plan, result: count.result('finished', mergedCounts) });
  } catch (error) {
    if (isCancellation(error) || error instanceof ContinueAsNew) throw error;
    throw failed(faultOf(error));
  }
}

/** The merge stage has the slices' counts as well. */
const mergedCounts = (reports: readonly CountReport[]): CountResult['counts'] =>
  reports.find(({ part }) => part === 'merge')?.counts ?? {};
