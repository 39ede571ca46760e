import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
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

/** Frames of each slice of the fakes' plan, and of a lap before it ends by itself. */
const SLICE_FRAMES = 1_000;
const LAP_FRAMES = 500;

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
        return report('merge', false, {});
      }
      this.asked.push('mergeCount');
      this.mergeLaps -= 1;
      return report('merge', this.mergeLaps === 0, { read: 1_000 * this.slices, results: 6 });
    },
    freezePartials: ({ plan }: { readonly plan: CountPlan }): Promise<string[]> => {
      this.asked.push('freezePartials');
      return Promise.resolve(plan.slices.map(({ index }) => String(10 + index)));
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
        return report(slice, false, { read: 7 });
      }
      const next = (this.#next.get(slice) ?? 0) + LAP_FRAMES;
      this.#next.set(slice, next);
      return { ...report(slice, next >= SLICE_FRAMES, { read: next }), gaps: slice === 0 ? this.gaps : [] };
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
  part: CountReport['part'],
  finished: boolean,
  counts: Readonly<Record<string, number>>,
): CountReport => ({
  part,
  finished,
  next: {},
  counts,
  gaps: [],
  lap: { records: LAP_FRAMES, transactions: 1, elapsedMs: 10 },
});

const topic = (name: string, partitions: number) => ({ topic: name, topicId: 'a'.repeat(32), partitions });

const planOf = (input: CountInput, slices: number): CountPlan => ({
  version: 1,
  job: input.job,
  digest: '0'.repeat(64),
  spec: { source: input.source, target: input.target },
  plannedAtMs: 1,
  requestedBy: '',
  provisionalMs: 5_000,
  allowGaps: false,
  source: topic(input.source, slices),
  target: topic(input.target, 1),
  sketches: topic(`${input.target}.sketches`, 1),
  quarantine: topic(`${input.source}.quarantine`, 1),
  partials: topic(`count.${input.job}`, slices),
  slices: Array.from({ length: slices }, (_, index) => ({
    index,
    ranges: [{ partition: index, startOffset: '0', endOffset: String(SLICE_FRAMES) }],
    checkpointPartition: index,
  })),
  mergeCheckpointPartition: slices,
});
