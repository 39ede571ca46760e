import { PipelineError } from '../../core/errors.js';
import { murmur3x86x128 } from '../../core/hash64.js';
import { OffsetSet } from '../../core/offset-set.js';
import { decodeProvenance, PROVENANCE_HEADER } from '../../core/provenance.js';
import type { ReplayPlan } from '../../messages.js';
import type { ReadRange } from '../read-positions.js';
import { replayClassifier, targetPartition } from '../processors/replay.js';
import type { RecordCursor } from '../record-batch.js';
import { eachRecord, type ScanDeps } from './scan.js';
import { plannedRanges, readRange } from './slice-ranges.js';

/** Whether B lacks a record of A. */
export type IsMissing = (partition: number, cursor: RecordCursor) => boolean;

/** Contents of B held at once, about 100 bytes each; more are compared in several passes. */
const CONTENTS_PER_PASS = 1_000_000;
/** A bit each: 128 MB. */
const MOST_OFFSETS = 2 ** 30;
const SEED = 0x6669_6c6c; // "fill"

/**
 * What of A's selection B lacked when the plan was made, as a multiset difference between the frozen ends of both: a record
 * of B that says it came from A stands for that one; any other for the first record of A with the same key, value and time
 * that nothing else stands for. Between frozen ends the answer is the same whenever it is asked, so a restart asks again.
 * @throws PipelineError `TOO_LONG` for more than a billion offsets: cut the job by partitions or offsets.
 */
export async function findMissing(deps: ScanDeps, plan: ReplayPlan): Promise<IsMissing> {
  const search = new Search(plan);
  const others = await search.byProvenance(deps);
  const passes = Math.ceil(others / CONTENTS_PER_PASS);
  for (let pass = 0; pass < passes; pass++) await search.byContent(deps, pass, passes);
  return (partition, cursor) => search.isMissing(partition, cursor.offset);
}

class Search {
  readonly #plan: ReplayPlan;
  readonly #ranges: readonly Required<ReadRange>[];
  readonly #present: ReadonlyMap<number, OffsetSet>;
  readonly #lanes = new Uint32Array(4);

  constructor(plan: ReplayPlan) {
    this.#plan = plan;
    this.#ranges = plannedRanges(plan).sort((a, b) => a.partition - b.partition);
    const offsets = this.#ranges.reduce((sum, range) => sum + range.endOffset - range.startOffset, 0);
    if (offsets > MOST_OFFSETS) {
      throw new PipelineError(
        'TOO_LONG',
        `comparing ${offsets} offsets of ${plan.source.topic}: too many at once`,
      );
    }
    this.#present = new Map(
      this.#ranges.map(({ partition, startOffset, endOffset }) => [
        partition,
        new OffsetSet(startOffset, endOffset),
      ]),
    );
  }

  isMissing(partition: number, offset: number): boolean {
    return this.#present.get(partition)?.has(offset) === false;
  }

  /** @returns how many records of B do not say that they came from A. */
  async byProvenance(deps: ScanDeps): Promise<number> {
    let others = 0;
    await this.#eachOfTarget(deps, (_partition, cursor) => {
      const origin = this.#origin(cursor);
      if (origin === undefined) others++;
      else this.#present.get(origin.partition)?.add(origin.offset);
    });
    return others;
  }

  async byContent(deps: ScanDeps, pass: number, passes: number): Promise<void> {
    const contents = new Map<string, number>();
    const isOfPass = (): boolean => this.#lanes[3]! % passes === pass;
    await this.#eachOfTarget(deps, (partition, cursor) => {
      if (this.#origin(cursor) !== undefined) return;
      const content = this.#content(partition, cursor);
      if (isOfPass()) contents.set(content, (contents.get(content) ?? 0) + 1);
    });
    const { source, spec, target } = this.#plan;
    const classify = replayClassifier({ selection: spec.selection, target });
    // One partition after the other: which of several equal records is found must not depend on timing.
    for (const range of this.#ranges) {
      await eachRecord(deps.source, deps, source, [range], (partition, cursor) => {
        if (!this.isMissing(partition, cursor.offset) || classify(partition, cursor) !== 'selected') return;
        const content = this.#content(targetPartition(this.#plan, partition, cursor), cursor);
        if (!isOfPass()) return;
        const left = contents.get(content) ?? 0;
        if (left === 0) return;
        contents.set(content, left - 1);
        this.#present.get(partition)?.add(cursor.offset);
      });
    }
  }

  async #eachOfTarget(
    deps: ScanDeps,
    take: (partition: number, cursor: RecordCursor) => void,
  ): Promise<void> {
    const { target } = this.#plan;
    // What B itself has lost, it lacks.
    await eachRecord(deps.kafka, deps, target, target.ends.map(readRange), take);
  }

  #origin(cursor: RecordCursor): { partition: number; offset: number } | undefined {
    const value = cursor.header(PROVENANCE_HEADER);
    const provenance = value ? decodeProvenance(value) : undefined;
    return provenance?.topicId === this.#plan.source.topicId ? provenance : undefined;
  }

  /** Partition of B, time, key and value; the lanes of its hash stay in `#lanes`. */
  #content(partition: number, cursor: RecordCursor): string {
    const { bytes, keyValueStart, keyValueEnd, timestampMs } = cursor;
    murmur3x86x128(bytes, keyValueStart, keyValueEnd, SEED, this.#lanes);
    const time = this.#plan.spec.timestamps === 'now' ? '' : String(timestampMs);
    return `${this.#lanes.join('.')}/${partition}/${time}`;
  }
}
