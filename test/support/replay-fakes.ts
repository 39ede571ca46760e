import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type {
  PlannedReplay,
  RecordReplayInput,
  ReplayInput,
  ReplayLapInput,
  ReplayPlan,
  ReplayResult,
  ReplaySliceReport,
  ReplayVerification,
} from '../../src/messages.js';
import { fakeTopic, LAP_RECORDS, SLICE_RECORDS } from './job-fakes.js';

/** Activities of replayTopicRange without any service: each notes that it was asked and answers what the test has set. */
export class ReplayFakes {
  readonly asked: string[] = [];
  readonly laps: ReplayLapInput[] = [];
  readonly recorded: RecordReplayInput[] = [];
  slices = 1;
  /** Recorded by an earlier run. */
  result: ReplayResult | null = null;
  planning: ApplicationFailure | undefined;
  /** How many tries of a lap fail before one succeeds. */
  failingLaps = 0;
  /** A lap goes on until it is told to stop. */
  endless = false;
  counts: Readonly<Record<string, number>> = { selected: 400, outside: 100 };
  gaps: ReplayResult['gaps'] = [];
  verdict: ReplayVerification['verdict'] = 'passed';
  /** Next offset by slice: what the checkpoints of real laps hold. */
  readonly #next = new Map<number, number>();

  readonly control = {
    planReplay: (input: ReplayInput): Promise<PlannedReplay> => {
      this.asked.push('planReplay');
      if (this.planning !== undefined) return Promise.reject(this.planning);
      return Promise.resolve({ plan: planOf(input, this.slices), result: this.result });
    },
    recordReplay: (input: RecordReplayInput): Promise<ReplayResult> => {
      this.asked.push('recordReplay');
      this.recorded.push(input);
      return Promise.resolve({ ...input.result, codeVersion: '0+replay.0', reused: false });
    },
  };

  readonly stream = {
    runReplayLap: async (input: ReplayLapInput): Promise<ReplaySliceReport> => {
      this.asked.push('runReplayLap');
      if (this.failingLaps > 0) {
        this.failingLaps--;
        throw ApplicationFailure.retryable('no answer from a broker', 'KAFKA_UNREACHABLE');
      }
      this.laps.push(input);
      while (this.endless && !Context.current().cancellationSignal.aborted) {
        Context.current().heartbeat();
        await delay(50);
      }
      return this.#report(input.slice);
    },
    verifyReplay: (plan: ReplayPlan): Promise<ReplayVerification> => {
      this.asked.push('verifyReplay');
      const verification = { verdict: this.verdict, partitions: [], outOfOrder: '0', gaps: [] };
      return Promise.resolve({ ...verification, verifiedAtMs: plan.plannedAtMs });
    },
  };

  #report(slice: number): ReplaySliceReport {
    const next = Math.min((this.#next.get(slice) ?? 0) + LAP_RECORDS, SLICE_RECORDS);
    this.#next.set(slice, next);
    return {
      slice,
      finished: next === SLICE_RECORDS,
      next: { [String(slice)]: String(next) },
      counts: this.counts,
      gaps: slice === 0 ? this.gaps : [],
      lap: { records: LAP_RECORDS, transactions: 1, elapsedMs: 10 },
    };
  }
}

const planOf = (input: ReplayInput, slices: number): ReplayPlan => ({
  version: 1,
  job: input.job,
  digest: '0'.repeat(64),
  spec: { source: input.source, target: input.target, selection: input.selection },
  accept: [],
  plannedAtMs: 1,
  requestedBy: input.requestedBy ?? '',
  source: fakeTopic(input.source, slices),
  target: {
    topic: input.target,
    topicId: 'b'.repeat(32),
    partitions: slices,
    limits: {
      cleanupPolicy: 'delete',
      retentionMs: -1,
      retentionBytes: -1,
      timestampType: 'CreateTime',
      timestampBeforeMaxMs: 9,
      timestampAfterMaxMs: 9,
      maxMessageBytes: 1_000_000,
      minInsyncReplicas: 1,
      replicationFactor: 1,
    },
    ends: [],
  },
  slices: Array.from({ length: slices }, (_, index) => ({
    index,
    ranges: [{ partition: index, startOffset: '0', endOffset: String(SLICE_RECORDS) }],
    checkpointPartition: index,
  })),
  undecided: [],
  warnings: [],
});
