import {
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  PlannedSlice,
  ReplayInput,
  ReplayPlan,
  ReplayProgress,
  ReplayRate,
  ReplayResult,
  ReplaySliceReport,
  ReplayState,
} from '../messages.js';
import { nowMs } from './clock.js';
import { failed, faultOf } from './failure.js';
import { pauseReplay, replayProgress, resumeReplay, setReplayRate } from './replay-definitions.js';
import { replayRecords, streamWork, verification } from './replay-options.js';

/** What a run hands to its continuation, and the workflow's input. Progress is not in it: it lies in the checkpoints. */
export interface ReplayRunInput extends ReplayInput {
  readonly carried?: { readonly startedAtMs: number; readonly paused: boolean };
}

/**
 * Copies a range of topic A to topic B, exactly once; its id is `replay/<job>`. Plans (or finds the plan), runs the slices
 * in laps until each is at its frozen end, compares B with A, and records the result, which a later start answers with.
 * @throws ApplicationFailure with the fault's code as its type. A failed or cancelled job goes on where it was when it is
 *   started again.
 */
export async function replayTopicRange(input: ReplayRunInput): Promise<ReplayResult> {
  const run = new ReplayRun(input);
  try {
    const { plan, result } = await replayRecords.planReplay(input);
    if (result !== null) return { ...result, reused: true };
    const finished = await run.slices(plan);
    if (!finished) return await continueAsNew<typeof replayTopicRange>(run.continuation());
    return await conclude(run, plan);
  } catch (error) {
    if (isCancellation(error)) throw error;
    throw failed(faultOf(error));
  }
}

async function conclude(run: ReplayRun, plan: ReplayPlan): Promise<ReplayResult> {
  const { input } = run;
  const counts = run.counts();
  if (run.gaps().length > 0 && !input.allowGaps) {
    throw failed({
      code: 'GAP',
      message: `replaying ${plan.job}: A has lost records (--allow-gaps accepts it)`,
    });
  }
  if ((counts.selected ?? 0) + (counts.present ?? 0) === 0 && !input.allowEmpty) {
    const message = `replaying ${plan.job}: the selection matches no record of ${plan.source.topic} (--allow-empty accepts it)`;
    throw failed({ code: 'NOTHING_SELECTED', message });
  }
  run.enter('verifying');
  const verified = input.verify === false ? null : await verification.verifyReplay(plan);
  run.enter('finished');
  const result = await replayRecords.recordReplay({
    plan,
    result: {
      job: plan.job,
      counts,
      gaps: run.gaps(),
      verification: verified,
      warnings: plan.warnings,
      startedAtMs: run.startedAtMs,
      finishedAtMs: nowMs(),
    },
  });
  if (verified?.verdict === 'failed') {
    throw failed({
      code: 'VERIFICATION_FAILED',
      message: `verifying ${plan.job}: B does not hold what it should`,
    });
  }
  return result;
}

/** Slices under way, and what they are told. */
class ReplayRun {
  readonly input: ReplayRunInput;
  readonly startedAtMs: number;
  #state: ReplayState = 'planning';
  #paused: boolean;
  #rate: ReplayRate;
  #plan: ReplayPlan | undefined;
  readonly #reports = new Map<number, ReplaySliceReport>();
  /** Laps under way: cancelled when what they were told has changed. */
  readonly #laps = new Set<CancellationScope>();

  constructor(input: ReplayRunInput) {
    this.input = input;
    this.startedAtMs = input.carried?.startedAtMs ?? nowMs();
    this.#paused = input.carried?.paused ?? false;
    this.#rate = input.rate ?? {};
    setHandler(pauseReplay, () => this.#tell(true, this.#rate));
    setHandler(resumeReplay, () => this.#tell(false, this.#rate));
    setHandler(setReplayRate, (rate) => this.#tell(this.#paused, rate));
    setHandler(replayProgress, () => this.progress());
  }

  /** @returns false when the history has grown long and the rest belongs to a new run. */
  async slices(plan: ReplayPlan): Promise<boolean> {
    this.#plan = plan;
    this.enter('running');
    const ends = await Promise.all(plan.slices.map((slice) => this.#slice(plan, slice)));
    return ends.every((isFinished) => isFinished);
  }

  async #slice(plan: ReplayPlan, { index }: PlannedSlice): Promise<boolean> {
    for (;;) {
      await condition(() => !this.#paused);
      if (workflowInfo().continueAsNewSuggested) return false;
      const report = await this.#lap(plan, index);
      if (report === undefined) continue;
      this.#reports.set(index, report);
      this.enter(this.#state);
      if (report.finished) return true;
    }
  }

  /** @returns undefined when it was interrupted before a worker had taken it. */
  async #lap(plan: ReplayPlan, slice: number): Promise<ReplaySliceReport | undefined> {
    const whole = CancellationScope.current();
    const lap = new CancellationScope();
    this.#laps.add(lap);
    const { allowGaps = false } = this.input;
    try {
      const rate = shareOf(this.#rate, plan.slices.length - this.#finished());
      const report = await lap.run(() => streamWork.runReplayLap({ plan, slice, allowGaps, rate }));
      if (whole.consideredCancelled) throw new CancelledFailure('the replay was cancelled');
      return report;
    } catch (error) {
      if (!isCancellation(error) || whole.consideredCancelled) throw error;
      return undefined;
    } finally {
      this.#laps.delete(lap);
    }
  }

  #tell(paused: boolean, rate: ReplayRate): void {
    this.#paused = paused;
    this.#rate = rate;
    this.enter(this.#state);
    for (const lap of this.#laps) lap.cancel();
  }

  #finished(): number {
    return [...this.#reports.values()].filter(({ finished }) => finished).length;
  }

  enter(state: ReplayState): void {
    this.#state = state;
    const { selected = 0 } = this.counts();
    const slices = this.#plan
      ? `, ${this.#finished()} of ${this.#plan.slices.length} slices at their end`
      : '';
    setCurrentDetails(`${this.progress().state}: ${selected} records copied by ended laps${slices}`);
  }

  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const report of this.#reports.values()) {
      for (const [verdict, records] of Object.entries(report.counts)) {
        counts[verdict] = (counts[verdict] ?? 0) + records;
      }
    }
    return counts;
  }

  gaps(): ReplayResult['gaps'] {
    return [...this.#reports.values()].flatMap((report) => report.gaps);
  }

  progress(): ReplayProgress {
    return {
      job: this.input.job,
      state: this.#state === 'running' && this.#paused ? 'paused' : this.#state,
      rate: this.#rate,
      slices: this.#plan?.slices ?? [],
      reports: [...this.#reports.values()],
      warnings: this.#plan?.warnings ?? [],
    };
  }

  continuation(): ReplayRunInput {
    const { startedAtMs } = this;
    return { ...this.input, rate: this.#rate, carried: { startedAtMs, paused: this.#paused } };
  }
}

/** Limits are for the whole job. */
function shareOf({ recordsPerSecond, bytesPerSecond }: ReplayRate, slices: number): ReplayRate {
  const share = Math.max(1, slices);
  return {
    ...(recordsPerSecond !== undefined && { recordsPerSecond: recordsPerSecond / share }),
    ...(bytesPerSecond !== undefined && { bytesPerSecond: bytesPerSecond / share }),
  };
}
