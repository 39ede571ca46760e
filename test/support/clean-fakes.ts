import { setTimeout as delay } from 'node:timers/promises';
import { Context, type ApplicationFailure } from '@temporalio/activity';
import type {
  CleanInput,
  CleanPlan,
  CleanResult,
  JobReport,
  MergeLapInput,
  PlannedClean,
  RecordCleanInput,
  SliceLapInput,
} from '../../src/messages.js';

/** Activities of cleanLogins without any service: each notes that it was asked and answers what the test has set. */
export class CleanFakes {
  readonly asked: string[] = [];
  readonly ends: (readonly string[] | null)[] = [];
  readonly recorded: RecordCleanInput[] = [];
  slices = 1;
  planning: ApplicationFailure | undefined;
  /** Ends every lap of a slice. */
  broken: ApplicationFailure | undefined;
  /** A slice's lap goes on until it is told to stop, as in a live job. */
  endless = false;
  readonly #laps = new Map<number, number>();

  readonly control = {
    planClean: (input: CleanInput): Promise<PlannedClean> => {
      this.asked.push('planClean');
      if (this.planning !== undefined) return Promise.reject(this.planning);
      return Promise.resolve({ plan: planOf(input, this.slices), result: null });
    },
    mergeClean: async ({ ends }: MergeLapInput<CleanPlan>): Promise<JobReport> => {
      this.ends.push(ends);
      if (ends === null) {
        // It follows the slices until it is told that they are done.
        await untilCancelled();
        return report('merge', false, {});
      }
      this.asked.push('mergeClean');
      return report('merge', true, { logins: 900, results: 6 });
    },
    freezeCleanPartials: ({ plan }: { readonly plan: CleanPlan }): Promise<string[]> => {
      this.asked.push('freezeCleanPartials');
      return Promise.resolve(plan.slices.map(({ index }) => String(10 + index)));
    },
    recordClean: (input: RecordCleanInput): Promise<CleanResult> => {
      this.asked.push('recordClean');
      this.recorded.push(input);
      return Promise.resolve({ ...input.result, codeVersion: '0+clean.0', reused: false });
    },
  };

  readonly stream = {
    cleanSlice: async ({ slice }: SliceLapInput<CleanPlan>): Promise<JobReport> => {
      this.asked.push('cleanSlice');
      if (this.broken !== undefined) throw this.broken;
      if (this.endless) {
        await untilCancelled();
        return report(slice, false, { [`${slice}/read`]: 7 });
      }
      const laps = (this.#laps.get(slice) ?? 0) + 1;
      this.#laps.set(slice, laps);
      // Two laps each.
      return report(slice, laps === 2, { [`${slice}/read`]: 500 * laps, [`${slice}/clean`]: 450 * laps });
    },
  };
}

async function untilCancelled(): Promise<void> {
  const { cancellationSignal } = Context.current();
  while (!cancellationSignal.aborted) {
    Context.current().heartbeat();
    await delay(50);
  }
}

const report = (
  part: JobReport['part'],
  finished: boolean,
  counts: Readonly<Record<string, number>>,
): JobReport => ({
  part,
  finished,
  next: {},
  counts,
  gaps: [],
  lap: { records: 500, transactions: 1, elapsedMs: 10 },
});

const topic = (name: string, partitions: number) => ({ topic: name, topicId: 'a'.repeat(32), partitions });

const planOf = ({ job, source, clean, dlq, insights }: CleanInput, slices: number): CleanPlan => ({
  version: 1,
  job,
  digest: '0'.repeat(64),
  spec: { source, clean, dlq, insights },
  plannedAtMs: 1,
  requestedBy: '',
  provisionalMs: 5_000,
  allowGaps: false,
  source: topic(source, slices),
  clean: topic(clean, slices),
  dlq: topic(dlq, slices),
  insights: topic(insights, 1),
  partials: topic(`partials.${job}`, slices),
  slices: Array.from({ length: slices }, (_, index) => ({
    index,
    ranges: [{ partition: index, startOffset: '0', endOffset: '1000' }],
    checkpointPartition: index,
  })),
  mergeCheckpointPartition: slices,
});
