import type { JobPlan, JobReport, JobTopic } from '../../src/messages.js';

/** What fakes of the jobs that run in slices share with each other: no service, and no more than tests look at. */

/** Of a lap of the fakes: records that it passes before it ends by itself. */
export const LAP_RECORDS = 500;
/** Of each slice of the fakes' plans: two laps. */
export const SLICE_RECORDS = 1_000;

export const fakeReport = (
  part: JobReport['part'],
  finished: boolean,
  counts: Readonly<Record<string, number>>,
): JobReport => ({
  part,
  finished,
  next: {},
  counts,
  gaps: [],
  lap: { records: LAP_RECORDS, transactions: 1, elapsedMs: 10 },
});

export const fakeTopic = (topic: string, partitions: number): JobTopic => ({
  topic,
  topicId: 'a'.repeat(32),
  partitions,
});

/** A plan of one partition per slice, but for what is particular to a kind of job. */
export const fakePlan = (job: string, source: string, slices: number): Omit<JobPlan, 'partials'> => ({
  version: 1,
  job,
  digest: '0'.repeat(64),
  plannedAtMs: 1,
  requestedBy: '',
  provisionalMs: 5_000,
  allowGaps: false,
  source: fakeTopic(source, slices),
  slices: Array.from({ length: slices }, (_, index) => ({
    index,
    ranges: [{ partition: index, startOffset: '0', endOffset: String(SLICE_RECORDS) }],
    checkpointPartition: index,
  })),
  mergeCheckpointPartition: slices,
});

/** The ends that freezing a plan's partial states gives. */
export const fakeEnds = ({ slices }: JobPlan): string[] => slices.map(({ index }) => String(10 + index));
