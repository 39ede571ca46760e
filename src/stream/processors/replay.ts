import {
  compileFilter,
  decidesByTimestamp,
  isSelectedTime,
  type Filter,
  type FilterableRecord,
  type Selection,
  type Verdict,
} from '../../core/filter.js';
import { PipelineError } from '../../core/errors.js';
import { partitionOfKey } from '../../core/murmur2.js';
import {
  decodeProvenance,
  encodeProvenance,
  PROVENANCE_HEADER,
  setProvenanceOffset,
} from '../../core/provenance.js';
import type { TimeBound } from '../../core/replay-target.js';
import type { Processor, SourceBatch } from '../processor.js';
import { BATCH_HEADER_BYTES, type RecordCursor } from '../record-batch.js';
import { encodeHeader } from '../record-batch-builder.js';
import type { Output } from '../transactional-writer.js';

export interface ReplayOptions {
  readonly job: string;
  readonly source: { readonly topicId: string; readonly partitions: number };
  readonly target: { readonly topic: string; readonly topicId: string; readonly partitions: number };
  readonly selection: Selection;
  /** `keep` the records' timestamps, or stamp them with the instant of the copy. */
  readonly timestamps: 'keep' | 'now';
  readonly now: () => number;
  /** What B takes: a record that it would refuse or delete ends the replay, before it is written. */
  readonly limits?: { readonly maxMessageBytes: number; readonly timeBounds: readonly TimeBound[] };
  /** For `--fill`: whether the target lacks the record. */
  readonly isMissing?: (partition: number, cursor: RecordCursor) => boolean;
}

/** `looped` records came from the target itself; `present` ones are there already (`--fill`). */
export type ReplayVerdict = Verdict | 'looped' | 'present';

export const REPLAY_VERDICTS = [
  'selected',
  'outside',
  'filtered',
  'unreadable',
  'undecided',
  'looped',
  'present',
] as const satisfies readonly ReplayVerdict[];

interface Stamp {
  readonly header: Buffer;
  /** Where the provenance value begins in `header`. */
  readonly valueAt: number;
}

/**
 * Copies the selected records of A to B: key, value and headers as they are, one provenance header more. Its only state is
 * its counts: `read` is the sum of all verdicts.
 */
export class ReplayProcessor implements Processor {
  readonly #options: ReplayOptions;
  readonly #classify: (partition: number, cursor: RecordCursor) => ReplayVerdict;
  readonly #stamps = new Map<number, Stamp>();
  readonly #counts: Record<ReplayVerdict, number>;
  /** Timestamps of `[earliest, latest)` are kept by B. */
  readonly #earliestMs: number;
  readonly #latestMs: number;
  readonly #largestBytes: number;

  /** @throws PipelineError `BAD_SELECTION`. */
  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#classify = replayClassifier(options);
    this.#earliestMs = Math.max(...(options.limits?.timeBounds ?? []).map(({ fromMs }) => fromMs));
    this.#latestMs = Math.min(...(options.limits?.timeBounds ?? []).map(({ toMs }) => toMs));
    this.#largestBytes = (options.limits?.maxMessageBytes ?? Infinity) - BATCH_HEADER_BYTES;
    this.#counts = Object.fromEntries(REPLAY_VERDICTS.map((verdict) => [verdict, 0])) as Record<
      ReplayVerdict,
      number
    >;
  }

  restore(_state: readonly unknown[], counts: Readonly<Record<string, number>>): void {
    for (const verdict of REPLAY_VERDICTS) this.#counts[verdict] = counts[verdict] ?? 0;
  }

  snapshot(): [] {
    return [];
  }

  counts(): Record<string, number> {
    return { ...this.#counts };
  }

  finish(): void {
    // Every record was written when it was read.
  }

  process({ partition, batch, startOffset, endOffset }: SourceBatch, output: Output): number {
    const { target, timestamps, now } = this.#options;
    const { header, valueAt } = this.#stampOf(partition);
    const counts = this.#counts;
    const cursor = batch.records(startOffset, endOffset);
    const nowMs = timestamps === 'now' ? now() : undefined;
    let records = 0;
    while (cursor.next()) {
      records++;
      const verdict = this.#classify(partition, cursor);
      counts[verdict]++;
      if (verdict !== 'selected') continue;
      this.#checkLimits(partition, cursor, header.length, nowMs);
      setProvenanceOffset(header, valueAt, cursor.offset);
      const to = targetPartition(this.#options, partition, cursor);
      output.copy(target.topic, to, cursor, nowMs ?? cursor.timestampMs, header);
    }
    return records;
  }

  #checkLimits(partition: number, cursor: RecordCursor, addedBytes: number, nowMs: number | undefined): void {
    const { timestampMs } = cursor;
    const isKept = nowMs !== undefined || (timestampMs >= this.#earliestMs && timestampMs < this.#latestMs);
    // A record's own lengths come on top: what is larger still is refused by the broker itself.
    const bytes = cursor.headersEnd - cursor.keyValueStart + addedBytes;
    if (isKept && bytes <= this.#largestBytes) return;
    const bound = this.#options.limits?.timeBounds.find(
      ({ fromMs, toMs }) => timestampMs < fromMs || timestampMs >= toMs,
    );
    const { topic } = this.#options.target;
    const fault = isKept
      ? `max.message.bytes of ${topic} refuses a record of ${bytes} bytes`
      : `${bound?.setting ?? ''} of ${topic} would not keep a record of ${new Date(timestampMs).toISOString()}`;
    throw new PipelineError(
      'TARGET_LIMITS',
      `copying offset ${cursor.offset} of partition ${partition}: ${fault}`,
      {
        at: { topic, partition, offset: String(cursor.offset) },
      },
    );
  }

  #stampOf(partition: number): Stamp {
    const known = this.#stamps.get(partition);
    if (known) return known;
    const { source, job } = this.#options;
    const value = encodeProvenance({ topicId: source.topicId, partition, offset: 0, job });
    const header = encodeHeader(PROVENANCE_HEADER, value);
    const stamp = { header, valueAt: header.length - value.length };
    this.#stamps.set(partition, stamp);
    return stamp;
  }
}

/**
 * The record's partition in B: its own where both topics have as many; else where a Java producer would put its key, so that
 * order holds per key. A record without a key keeps together with its source partition.
 */
export function targetPartition(
  options: Pick<ReplayOptions, 'source' | 'target'>,
  partition: number,
  cursor: RecordCursor,
): number {
  const partitions = options.target.partitions;
  if (options.source.partitions === partitions) return partition;
  const key = cursor.key();
  return key === null ? partition % partitions : partitionOfKey(key, partitions);
}

/** What becomes of each record. @throws PipelineError `BAD_SELECTION`. */
export function replayClassifier(
  options: Pick<ReplayOptions, 'selection' | 'target' | 'isMissing'>,
): (partition: number, cursor: RecordCursor) => ReplayVerdict {
  const { selection, target, isMissing } = options;
  const select = decidesByTimestamp(selection) ? byTimestamp(selection) : byContent(compileFilter(selection));
  compileFilter(selection); // its faults are found before the start, also where the timestamp decides alone
  return (partition, cursor) => {
    const verdict = select(partition, cursor);
    if (verdict !== 'selected') return verdict;
    if (cursor.headerCount > 0 && cameFrom(target.topicId, cursor)) return 'looped';
    return isMissing && !isMissing(partition, cursor) ? 'present' : 'selected';
  };
}

const byTimestamp =
  (selection: Selection) =>
  (_partition: number, cursor: RecordCursor): Verdict =>
    isSelectedTime(selection, cursor.timestampMs) ? 'selected' : 'outside';

/** Looks into the record; its texts are made only when the selection asks for them. */
function byContent(filter: Filter): (partition: number, cursor: RecordCursor) => Verdict {
  return (partition, cursor) => filter(filterable(partition, cursor));
}

function filterable(partition: number, cursor: RecordCursor): FilterableRecord {
  return {
    timestampMs: cursor.timestampMs,
    partition,
    offset: cursor.offset,
    keyText: () => cursor.key()?.toString('utf8') ?? null,
    valueText: () => cursor.value()?.toString('utf8') ?? null,
    headers: () =>
      new Map([...cursor.headers()].map(({ name, value }) => [name, value?.toString('utf8') ?? null])),
  };
}

/** Loop guard: true when any replay that brought the record here took it from the topic with that id. */
function cameFrom(topicId: string, cursor: RecordCursor): boolean {
  for (const { name, value } of cursor.headers()) {
    if (name === PROVENANCE_HEADER && value && decodeProvenance(value)?.topicId === topicId) return true;
  }
  return false;
}
