import {
  CancellationScope,
  condition,
  continueAsNew,
  ContinueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { CountInput, CountPlan, CountProgress, CountReport, CountResult } from '../messages.js';
import { nowMs } from './clock.js';
import { countProgress, stopCount } from './count-definitions.js';
import { countLaps, countSteps, mergeLaps } from './count-options.js';
import { failed, faultOf } from './failure.js';

/**
 * Counts unique users of a topic of frames; its id is `count/<job>`. Slices count side by side, one merge stage makes the
 * results. A bounded job ends with its result; a live one when it is stopped, and goes on when it is started again.
 * Whatever is carried over is in Kafka: plan, checkpoints, states.
 */
export async function countUniqueUsers(input: CountInput): Promise<CountResult> {
  const count = new CountState(input.job);
  setHandler(countProgress, () => count.progress());
  setHandler(stopCount, () => count.stop());
  try {
    const { plan, result } = await countSteps.planCount(input);
    if (result !== null) return { ...result, reused: true };
    count.begin(plan);
    const outcome = await countAndMerge(count, plan);
    if (outcome === 'again') return await continueAsNew<typeof countUniqueUsers>(input);
    if (outcome === 'stopped') return { ...count.result('stopped'), codeVersion: null, reused: false };
    return await countSteps.recordCount({ plan, result: count.result('finished') });
  } catch (error) {
    if (isCancellation(error) || error instanceof ContinueAsNew) throw error;
    throw failed(faultOf(error));
  }
}

async function countAndMerge(count: CountState, plan: CountPlan): Promise<'finished' | 'stopped' | 'again'> {
  const merging = new CancellationScope();
  const counting = new CancellationScope();
  const merge = merging.run(() => inLaps(count, merging, () => mergeLaps.mergeCount({ plan, ends: null })));
  const slices = counting.run(() =>
    Promise.all(
      plan.slices.map(({ index: slice }) =>
        inLaps(count, counting, () => countLaps.countSlice({ plan, slice })),
      ),
    ),
  );
  // A history that grew long ends this run between laps; so does whoever says stop.
  const interrupted = condition(() => count.isStopping || workflowInfo().continueAsNewSuggested);
  const first = await Promise.race([
    slices.then(() => 'counted' as const),
    merge,
    interrupted.then(() => 'interrupted' as const),
  ]);
  if (first !== 'counted') counting.cancel();
  await slices;
  merging.cancel();
  await merge;
  if (count.isStopping) return 'stopped';
  if (first !== 'counted') return 'again';
  count.at('merging');
  const ends = await countSteps.freezePartials({ plan });
  while (!count.take(await mergeLaps.mergeCount({ plan, ends }))) {
    // A lap ends after ten minutes; the next goes on from its checkpoint.
  }
  return 'finished';
}

/** Laps of one part until it is finished or its scope is cancelled; a cancelled lap ends well, at a commit. */
async function inLaps(
  count: CountState,
  scope: CancellationScope,
  lap: () => Promise<CountReport>,
): Promise<void> {
  try {
    while (!scope.consideredCancelled && !count.take(await lap()));
  } catch (error) {
    if (!scope.consideredCancelled || !isCancellation(error)) throw error;
  }
}

/** Where a job is, from laps that have ended. */
class CountState {
  readonly #job: string;
  readonly #startedAtMs = nowMs();
  readonly #reports = new Map<CountReport['part'], CountReport>();
  #plan: CountPlan | null = null;
  #state: CountProgress['state'] = 'planning';

  constructor(job: string) {
    this.#job = job;
  }

  get isStopping(): boolean {
    return this.#state === 'stopping';
  }

  begin(plan: CountPlan): void {
    this.#plan = plan;
    if (!this.isStopping) this.at('counting');
  }

  at(state: CountProgress['state']): void {
    this.#state = state;
    setCurrentDetails(`${this.#job}: ${state}`);
  }

  stop(): void {
    this.at('stopping');
  }

  /** @returns whether the part is finished. */
  take(report: CountReport): boolean {
    this.#reports.set(report.part, report);
    return report.finished;
  }

  progress(): CountProgress {
    return { job: this.#job, state: this.#state, plan: this.#plan, reports: [...this.#reports.values()] };
  }

  result(outcome: CountResult['outcome']): Omit<CountResult, 'codeVersion' | 'reused'> {
    const reports = [...this.#reports.values()];
    return {
      job: this.#job,
      outcome,
      counts: this.#reports.get('merge')?.counts ?? {},
      gaps: reports.filter(({ part }) => part !== 'merge').flatMap(({ gaps }) => gaps),
      startedAtMs: this.#startedAtMs,
      finishedAtMs: nowMs(),
    };
  }
}
