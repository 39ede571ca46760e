import { MultisetDigest, RecordHasher } from '../../core/multiset-digest.js';
import { decodeProvenance, encodeProvenance, PROVENANCE_HEADER } from '../../core/provenance.js';
import type { OffsetRange, PartitionCheck, ReplayPlan, ReplayVerification } from '../../messages.js';
import type { KafkaConnection } from '../kafka-connection.js';
import { freeze } from '../log-positions.js';
import type { Gap, ReadRange } from '../read-positions.js';
import { replayClassifier, targetPartition } from '../processors/replay.js';
import type { RecordCursor } from '../record-batch.js';
import { encodeHeader } from '../record-batch-builder.js';
import { findMissing } from './missing.js';
import { eachRecord, type ScanDeps } from './scan.js';
import { plannedRanges } from './slice-ranges.js';

export interface VerifyDeps extends ScanDeps {
  readonly now: () => number;
}

type LocatedGap = ReplayVerification['gaps'][number];

/**
 * Compares what should be in B with what is there: the selection is asked once more of A, and the job's records are looked
 * for in B by their provenance. Per partition of B counts and order-insensitive digests of everything that is copied, place
 * of origin included. Reads A's ranges and what B got since the plan.
 */
export async function verifyReplay(deps: VerifyDeps, plan: ReplayPlan): Promise<ReplayVerification> {
  const expected = sums(plan.target.partitions);
  const found = sums(plan.target.partitions);
  const gaps: LocatedGap[] = [
    ...(await addExpected(deps, plan, expected)).map((gap) => located(plan.source.topic, gap)),
  ];
  const { lost, outOfOrder } = await addFound(deps, plan, found);
  gaps.push(...lost.map((gap) => located(plan.target.topic, gap)));
  const partitions = expected.map((sum, partition): PartitionCheck => ({
    partition,
    expected: String(sum.members),
    found: String(found[partition]?.members ?? 0),
    expectedDigest: sum.toString(),
    foundDigest: found[partition]?.toString() ?? '',
  }));
  const isEqual = partitions.every(
    (one) => one.expectedDigest === one.foundDigest && one.expected === one.found,
  );
  const verdict = isEqual && outOfOrder === 0 ? 'passed' : gaps.length > 0 ? 'inconclusive' : 'failed';
  return { verdict, partitions, outOfOrder: String(outOfOrder), gaps, verifiedAtMs: deps.now() };
}

const sums = (partitions: number): MultisetDigest[] =>
  Array.from({ length: partitions }, () => new MultisetDigest());

async function addExpected(deps: VerifyDeps, plan: ReplayPlan, expected: MultisetDigest[]): Promise<Gap[]> {
  const classify = replayClassifier({
    selection: plan.spec.selection,
    target: plan.target,
    ...(plan.spec.fill && { isMissing: await findMissing(deps, plan) }),
  });
  const ranges = plannedRanges(plan);
  const hasher = new RecordHasher();
  return eachRecord(deps.source, deps, plan.source, ranges, (partition, cursor) => {
    if (classify(partition, cursor) !== 'selected') return;
    const { bytes, headersStart: start, headersEnd: end } = cursor;
    hasher.hash(
      keyAndValue(cursor),
      { bytes, start, end },
      { partition, offset: cursor.offset },
      timeOf(plan, cursor),
    );
    expected[targetPartition(plan, partition, cursor)]?.add(hasher.lanes);
  });
}

async function addFound(
  deps: VerifyDeps,
  plan: ReplayPlan,
  found: MultisetDigest[],
): Promise<{ lost: Gap[]; outOfOrder: number }> {
  const hasher = new RecordHasher();
  /** By partition of B, then of A: the offset of A seen last. */
  const last = new Map<number, Map<number, number>>();
  let outOfOrder = 0;
  const isOwn = provenanceReader(plan);
  const lost = await eachRecord(
    deps.kafka,
    deps,
    plan.target,
    await targetRanges(deps.kafka, plan),
    (partition, cursor) => {
      const own = isOwn(cursor);
      if (own === undefined) return;
      const { bytes, headersStart: start } = cursor;
      hasher.hash(keyAndValue(cursor), { bytes, start, end: own.headersEnd }, own, timeOf(plan, cursor));
      found[partition]?.add(hasher.lanes);
      let offsets = last.get(partition);
      if (offsets === undefined) last.set(partition, (offsets = new Map<number, number>()));
      if (own.offset <= (offsets.get(own.partition) ?? -1)) outOfOrder++;
      offsets.set(own.partition, own.offset);
    },
  );
  return { lost, outOfOrder };
}

/** Up to the high watermark: where a neighbour's open transaction holds readers back, the reader waits for it. */
async function targetRanges(kafka: KafkaConnection, plan: ReplayPlan): Promise<ReadRange[]> {
  const { partitions } = await freeze(kafka, plan.target.topic);
  const began = new Map(plan.target.ends.map(({ partition, endOffset }) => [partition, Number(endOffset)]));
  return partitions.map(({ partition, highWatermark }) => ({
    partition,
    startOffset: began.get(partition) ?? 0,
    endOffset: highWatermark,
  }));
}

interface Own {
  readonly partition: number;
  readonly offset: number;
  /** Where the headers that were A's end: the provenance is written behind them. */
  readonly headersEnd: number;
}

/** Finds the job's own records: the last provenance header names A and the job, and stands last. */
function provenanceReader({ job, source }: ReplayPlan): (cursor: RecordCursor) => Own | undefined {
  const { topicId } = source;
  const template = encodeProvenance({ topicId, partition: 0, offset: 0, job });
  const headerBytes = encodeHeader(PROVENANCE_HEADER, template).length;
  return (cursor) => {
    const value = cursor.header(PROVENANCE_HEADER);
    const provenance = value ? decodeProvenance(value) : undefined;
    if (provenance?.topicId !== topicId || provenance.job !== job) return undefined;
    const { partition, offset } = provenance;
    return { partition, offset, headersEnd: cursor.headersEnd - headerBytes };
  };
}

const keyAndValue = ({ bytes, keyValueStart, keyValueEnd }: RecordCursor) => ({
  bytes,
  start: keyValueStart,
  end: keyValueEnd,
});

const timeOf = ({ spec }: ReplayPlan, { timestampMs }: RecordCursor): number =>
  spec.timestamps === 'now' ? -1 : timestampMs;

const located = (topic: string, { partition, startOffset, endOffset, reason }: Gap): LocatedGap => {
  const range: OffsetRange = { partition, startOffset: String(startOffset), endOffset: String(endOffset) };
  return { topic, ...range, reason };
};
