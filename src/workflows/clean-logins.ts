import { continueAsNew, ContinueAsNew, isCancellation, setHandler } from '@temporalio/workflow';
import type { CleanInput, CleanPlan, CleanResult, JobReport } from '../messages.js';
import { cleanProgress, stopClean } from './clean-definitions.js';
import { cleanLaps, cleanSteps, mergeLaps } from './clean-options.js';
import { failed, faultOf } from './failure.js';
import { sliceAndMerge, SlicedJob } from './sliced-job.js';

/**
 * Cleans a topic of logins; its id is `clean/<job>`. Slices make clean records and dead letters side by side, one merge stage
 * makes the insights. A live job goes on until it is stopped, and from there when it is started again; a bounded one ends
 * with its result. Whatever is carried over is in Kafka: plan, checkpoints, states.
 */
export async function cleanLogins(input: CleanInput): Promise<CleanResult> {
  const cleaning = new SlicedJob<CleanPlan>(input.job);
  setHandler(cleanProgress, () => cleaning.progress());
  setHandler(stopClean, () => cleaning.stop());
  try {
    const { plan, result } = await cleanSteps.planClean(input);
    if (result !== null) return { ...result, reused: true };
    cleaning.begin(plan);
    const outcome = await sliceAndMerge(cleaning, plan, {
      slice: (slice) => cleanLaps.cleanSlice({ plan, slice }),
      merge: (ends) => mergeLaps.mergeClean({ plan, ends }),
      freeze: () => cleanSteps.freezeCleanPartials({ plan }),
    });
    if (outcome === 'again') return await continueAsNew<typeof cleanLogins>(input);
    if (outcome === 'stopped') {
      return { ...cleaning.result('stopped', allCounts), codeVersion: null, reused: false };
    }
    return await cleanSteps.recordClean({ plan, result: cleaning.result('finished', allCounts) });
  } catch (error) {
    if (isCancellation(error) || error instanceof ContinueAsNew) throw error;
    throw failed(faultOf(error));
  }
}

/** Slices name theirs by partition, the merge stage by what they are: no name is there twice. */
const allCounts = (reports: readonly JobReport[]): CleanResult['counts'] =>
  Object.assign({}, ...reports.map(({ counts }) => counts)) as CleanResult['counts'];
