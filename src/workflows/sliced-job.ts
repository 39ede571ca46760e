import {
  CancellationScope,
  condition,
  isCancellation,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { JobPlan, JobProgress, JobReport, JobResult, JobState } from '../messages.js';
import { nowMs } from './clock.js';

/** The activities of a job that runs in slices and a merge stage, each for one plan. */
export interface SlicedJobLaps {
  readonly slice: (index: number) => Promise<JobReport>;
  /** With the ends of what slices report it finishes there, without it follows. */
  readonly merge: (ends: readonly string[] | null) => Promise<JobReport>;
  /** Where what the slices report ends: asked once none of them adds to it. */
  readonly freeze: () => Promise<string[]>;
}

/** Slices side by side and a merge stage beside them; once all slices are done, the merge stage goes to the end. */
export async function sliceAndMerge<Plan extends JobPlan>(
  job: SlicedJob<Plan>,
  plan: Plan,
  laps: SlicedJobLaps,
): Promise<'finished' | 'stopped' | 'again'> {
  const merging = new CancellationScope();
  const slicing = new CancellationScope();
  const merge = merging.run(() => inLaps(job, merging, () => laps.merge(null)));
  const slices = slicing.run(() =>
    Promise.all(plan.slices.map(({ index }) => inLaps(job, slicing, () => laps.slice(index)))),
  );
  // A history that grew long ends this run between laps; so does whoever says stop.
  const interrupted = condition(() => job.isStopping || workflowInfo().continueAsNewSuggested);
  const first = await Promise.race([
    slices.then(() => 'sliced' as const),
    merge,
    interrupted.then(() => 'interrupted' as const),
  ]);
  if (first !== 'sliced') slicing.cancel();
  await slices;
  merging.cancel();
  await merge;
  if (job.isStopping) return 'stopped';
  if (first !== 'sliced') return 'again';
  job.at('merging');
  const ends = await laps.freeze();
  while (!job.take(await laps.merge(ends))) {
    // A lap ends after ten minutes; the next goes on from its checkpoint.
  }
  return 'finished';
}

/** Laps of one part until it is finished or its scope is cancelled; a cancelled lap ends well, at a commit. */
async function inLaps<Plan extends JobPlan>(
  job: SlicedJob<Plan>,
  scope: CancellationScope,
  lap: () => Promise<JobReport>,
): Promise<void> {
  try {
    while (!scope.consideredCancelled && !job.take(await lap()));
  } catch (error) {
    if (!scope.consideredCancelled || !isCancellation(error)) throw error;
  }
}

/** Where a job is, from laps that have ended. */
export class SlicedJob<Plan extends JobPlan> {
  readonly #job: string;
  readonly #startedAtMs = nowMs();
  readonly #reports = new Map<JobReport['part'], JobReport>();
  #plan: Plan | null = null;
  #state: JobState = 'planning';

  constructor(job: string) {
    this.#job = job;
  }

  get isStopping(): boolean {
    return this.#state === 'stopping';
  }

  begin(plan: Plan): void {
    this.#plan = plan;
    if (!this.isStopping) this.at('counting');
  }

  at(state: JobState): void {
    this.#state = state;
    setCurrentDetails(`${this.#job}: ${state}`);
  }

  stop(): void {
    this.at('stopping');
  }

  /** @returns whether the part is finished. */
  take(report: JobReport): boolean {
    this.#reports.set(report.part, report);
    return report.finished;
  }

  progress(): JobProgress<Plan> {
    return { job: this.#job, state: this.#state, plan: this.#plan, reports: [...this.#reports.values()] };
  }

  /** `counts`: what of the parts' counts is the job's. */
  result(
    outcome: JobResult['outcome'],
    counts: (reports: readonly JobReport[]) => JobResult['counts'],
  ): Omit<JobResult, 'codeVersion' | 'reused'> {
    const reports = [...this.#reports.values()];
    return {
      job: this.#job,
      outcome,
      counts: counts(reports),
      gaps: reports.filter(({ part }) => part !== 'merge').flatMap(({ gaps }) => gaps),
      startedAtMs: this.#startedAtMs,
      finishedAtMs: nowMs(),
    };
  }
}
