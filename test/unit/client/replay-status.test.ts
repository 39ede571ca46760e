import assert from 'node:assert/strict';
import { replayStatus, type StatusParts } from '../../../src/client/replay-status.js';
import type { ReplayPlan, ReplayResult, ReplaySliceReport } from '../../../src/messages.js';

const range = (partition: number) => ({ partition, startOffset: '100', endOffset: '300' });
const plan = {
  slices: [
    { index: 0, ranges: [range(0)], checkpointPartition: 0 },
    { index: 1, ranges: [range(1)], checkpointPartition: 1 },
  ],
} as unknown as ReplayPlan;
const result = (verdict: 'passed' | 'failed'): ReplayResult => ({
  job: 'job',
  counts: { selected: 400 },
  gaps: [],
  verification: { verdict, partitions: [], outOfOrder: '0', gaps: [], verifiedAtMs: 1 },
  warnings: [],
  startedAtMs: 1,
  finishedAtMs: 2,
  codeVersion: '0',
  reused: false,
});
const report = (slice: number, next: number, records: number): ReplaySliceReport => ({
  slice,
  finished: false,
  next: { [String(slice)]: String(next) },
  counts: { selected: next - 100 },
  gaps: [],
  lap: { records, transactions: 1, elapsedMs: 1_000 },
});
const parts: StatusParts = {
  job: 'job',
  planned: { plan, result: null },
  progress: null,
  workflow: 'RUNNING',
  live: [],
  fault: null,
};

describe('status of a replay', () => {
  const states: readonly [string, Partial<StatusParts>, string, string | null][] = [
    ['runs', {}, 'running', null],
    ['was cancelled', { workflow: 'CANCELLED' }, 'cancelled', null],
    ['has failed', { workflow: 'FAILED', fault: 'GAP: gone' }, 'failed', 'GAP: gone'],
    ['is unknown to Temporal, and was not finished', { workflow: null }, 'unknown', null],
    [
      'is finished, whatever Temporal has forgotten',
      { planned: { plan, result: result('passed') }, workflow: null },
      'finished',
      null,
    ],
    [
      'is finished, although a later start of that name was refused',
      { planned: { plan, result: result('passed') }, workflow: 'FAILED', fault: 'JOB_EXISTS: another' },
      'finished',
      null,
    ],
    [
      'has failed its verification',
      { planned: { plan, result: result('failed') }, workflow: 'FAILED', fault: 'VERIFICATION_FAILED: B' },
      'failed',
      'VERIFICATION_FAILED: B',
    ],
  ];
  for (const [name, given, state, fault] of states) {
    it(`says of one that ${name}: ${state}`, () => {
      const status = replayStatus({ ...parts, ...given });
      assert.deepEqual([status.state, status.fault], [state, fault]);
    });
  }

  it('adds ended laps and heartbeats: of each slice what is furthest', () => {
    const progress = {
      job: 'job',
      state: 'running' as const,
      rate: {},
      slices: plan.slices,
      reports: [report(0, 150, 50)],
      warnings: [],
    };
    const live = [report(0, 250, 100), report(1, 200, 300)];
    const status = replayStatus({ ...parts, progress, live });
    assert.deepEqual([status.done, status.total, status.counts], ['250', '400', { selected: 250 }]);
    assert.deepEqual([status.recordsPerSecond, status.etaMs], [400, 375]);
  });
});
