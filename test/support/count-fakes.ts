import { ApplicationFailure } from '@temporalio/activity';
import type {
  CountInput,
  CountMergeLapInput,
  CountPlan,
  CountReport,
  CountResult,
  CountSliceLapInput,
  PlannedCount,
  RecordCountInput,
} from '../../src/messages.js';
import { fakeEnds, fakePlan, fakeReport, fakeTopic, LAP_RECORDS, SLICE_RECORDS } from './job-fakes.js';
import { untilCancelled } from './until-cancelled.js';

/** Activities of countUniqueUsers without any service: each notes that it was asked and answers what the test has set. */
export class CountFakes {
  readonly asked: string[] = [];
  readonly merged: CountMergeLapInput[] = [];
  readonly recorded: RecordCountInput[] = [];
  slices = 1;
  /** Recorded by an earlier run. */
  result: CountResult | null = null;
  planning: ApplicationFailure | undefined;
  /** How many tries of a slice's lap fail before one succeeds. */
  failingLaps = 0;
  /** A slice's lap goes on until it is told to stop, as in a live job. */
  endless = false;
  /** Laps that the merge stage needs once its ends are known. */
  mergeLaps = 1;
  gaps: CountResult['gaps'] = [];
  readonly #next = new Map<number, number>();

  readonly control = {
    planCount: (input: CountInput): Promise<PlannedCount> => {
      this.asked.push('planCount');
      if (this.planning !== undefined) return Promise.reject(this.planning);
      return Promise.resolve({ plan: planOf(input, this.slices), result: this.result });
    },
    mergeCount: async (input: CountMergeLapInput): Promise<CountReport> => {
      this.merged.push(input);
      if (input.ends === null) {
        // It follows the slices until it is told that they are done.
        await untilCancelled();
        return fakeReport('merge', false, {});
      }
      this.asked.push('mergeCount');
      this.mergeLaps -= 1;
      return fakeReport('merge', this.mergeLaps === 0, { read: SLICE_RECORDS * this.slices, results: 6 });
    },
    freezePartials: ({ plan }: { readonly plan: CountPlan }): Promise<string[]> => {
      this.asked.push('freezePartials');
      return Promise.resolve(fakeEnds(plan));
    },
    recordCount: (input: RecordCountInput): Promise<CountResult> => {
      this.asked.push('recordCount');
      this.recorded.push(input);
      return Promise.resolve({ ...input.result, codeVersion: '0+count.0', reused: false });
    },
  };

  readonly stream = {
    countSlice: async ({ slice }: CountSliceLapInput): Promise<CountReport> => {
      this.asked.push('countSlice');
      if (this.failingLaps > 0) {
        this.failingLaps--;
        throw ApplicationFailure.retryable('no answer from a broker', 'KAFKA_UNREACHABLE');
      }
      if (this.endless) {
        await untilCancelled();
        return fakeReport(slice, false, { read: 7 });
      }
      const next = (this.#next.get(slice) ?? 0) + LAP_RECORDS;
      this.#next.set(slice, next);
      return {
        ...fakeReport(slice, next >= SLICE_RECORDS, { read: next }),
        gaps: slice === 0 ? this.gaps : [],
      };
    },
  };
}

const planOf = ({ job, source, target }: CountInput, slices: number): CountPlan => ({
  ...fakePlan(job, source, slices),
  spec: { source, target },
  target: fakeTopic(target, 1),
  sketches: fakeTopic(`${target}.sketches`, 1),
  quarantine: fakeTopic(`${source}.quarantine`, 1),
  partials: fakeTopic(`count.${job}`, slices),
});
