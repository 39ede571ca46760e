import assert from 'node:assert/strict';
import { Context } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import type {
  ComputeGoldInput,
  EventMark,
  GoldDayResult,
  GoldRun,
  Lap,
  RecordFailureInput,
} from '../../src/messages.js';

/** Below the heartbeat timeout: heartbeats are sent by the wall clock, which does not skip. */
const LONGEST_LAP_MS = 9_000;

/** Activities of goldDay without any service: each notes that it was asked and answers what the test has set. */
export class GoldDayFakes {
  readonly asked: string[] = [];
  readonly computed: ComputeGoldInput[] = [];
  readonly failures: RecordFailureInput[] = [];
  /** Ids of all marks among the events. */
  readonly marks = new Set<string>();
  /** Whether the mark among the events has arrived; never, of a gate that stays shut. */
  arrived = true;
  /** The recorded run, where one stands. */
  standing: GoldRun | undefined;
  /** Whether silver changes while the next computation runs: its record does not stand. */
  changed = false;
  /** What an attempt does until it has read the record. */
  reading: () => Promise<void> = () => Promise.resolve();
  read: () => void = () => undefined;
  /** What the next tries to freeze the ends come to, one by one, before they succeed. */
  freezing: ApplicationFailure[] = [];
  computing: ApplicationFailure | undefined;
  /** Lets so many milliseconds of the server's time go by. */
  readonly skip: (ms: number) => Promise<void>;
  /** How the laps of a wait pass. */
  pass: (ms: number) => Promise<void>;

  constructor(skip: (ms: number) => Promise<void>) {
    this.skip = skip;
    this.pass = skip;
  }

  readonly activities = {
    readPostgresPosition: () => this.say('readPostgresPosition', '100'),
    markEvents: ({ id }: EventMark) => {
      assert.ok(!this.marks.has(id), 'a mark that has arrived proves nothing');
      this.marks.add(id);
      return this.say('markEvents', null);
    },
    removeMark: () => this.say('removeMark', null),
    awaitUsersProduced: (): Promise<Lap<null>> =>
      this.say('awaitUsersProduced', { passed: true, value: null }),
    awaitMark: async ({ waitMs }: { waitMs: number }): Promise<Lap<null>> => {
      this.asked.push('awaitMark');
      if (this.arrived) return { passed: true, value: null };
      await this.pass(Math.min(waitMs, LONGEST_LAP_MS));
      Context.current().cancellationSignal.throwIfAborted();
      return { passed: false, waitingFor: 'the mark' };
    },
    freezeEnds: async () => {
      const failure = this.freezing.shift();
      if (failure !== undefined) throw failure;
      return this.say('freezeEnds', { events: { 0: '7' } });
    },
    awaitConsumed: () => this.say('awaitConsumed', { passed: true, value: { events: { 0: '9' } } }),
    readCommitted: () => this.say('readCommitted', { events: { 0: '5' } }),
    computeGold: async (input: ComputeGoldInput): Promise<GoldDayResult> => {
      this.asked.push('computeGold');
      // As it is when asked, whatever comes meanwhile.
      const { standing } = this;
      await this.reading();
      if (standing !== undefined && !input.forced) return { ...standing, reused: true };
      this.computed.push(input);
      if (this.computing !== undefined) throw this.computing;
      const run = { ...runOf(input), runId: Context.current().info.workflowExecution?.runId ?? '' };
      this.standing = this.changed || !run.isFinal ? undefined : run;
      this.changed = false;
      return { ...run, reused: false };
    },
    recordGoldFailure: (input: RecordFailureInput) => {
      this.failures.push(input);
      return this.say('recordGoldFailure', null);
    },
  };

  private say<T>(name: string, answer: T): Promise<T> {
    this.asked.push(name);
    return Promise.resolve(answer);
  }
}

export const runOf = (input: Partial<ComputeGoldInput>): GoldRun => ({
  day: '2024-05-01',
  requestedBy: 'test',
  forced: false,
  isFinal: true,
  positions: {},
  ...input,
  runId: 'run',
  attempt: 1,
  status: 'complete',
  codeVersion: '0+gold.0',
  rowsRead: '10',
  rowsWritten: '2',
  events: '4',
  unknownUsers: '0',
  unknownEvents: '0',
  startedAtMs: 1,
  finishedAtMs: 2,
  durationMs: 1,
  errorCode: '',
});
