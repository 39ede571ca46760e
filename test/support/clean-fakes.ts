import type { ApplicationFailure } from '@temporalio/activity';
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
import { fakeEnds, fakePlan, fakeReport, fakeTopic, LAP_RECORDS } from './job-fakes.js';
import { untilCancelled } from './until-cancelled.js';

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
        return fakeReport('merge', false, {});
      }
      this.asked.push('mergeClean');
      return fakeReport('merge', true, { logins: 900, results: 6 });
    },
    freezeCleanPartials: ({ plan }: { readonly plan: CleanPlan }): Promise<string[]> => {
      this.asked.push('freezeCleanPartials');
      return Promise.resolve(fakeEnds(plan));
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
        return fakeReport(slice, false, { [`${slice}/read`]: 7 });
      }
      const laps = (this.#laps.get(slice) ?? 0) + 1;
      this.#laps.set(slice, laps);
      // Two laps each.
      return fakeReport(slice, laps === 2, {
        [`${slice}/read`]: LAP_RECORDS * laps,
        [`${slice}/clean`]: 450 * laps,
      });
    },
  };
}

const planOf = ({ job, source, clean, dlq, insights }: CleanInput, slices: number): CleanPlan => ({
  ...fakePlan(job, source, slices),
  spec: { source, clean, dlq, insights },
  clean: fakeTopic(clean, slices),
  dlq: fakeTopic(dlq, slices),
  insights: fakeTopic(insights, 1),
  partials: fakeTopic(`partials.${job}`, slices),
});
