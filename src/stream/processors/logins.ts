import { attemptOf, deadLetterHeaders } from '../../core/dead-letter.js';
import { compileFilter, type Filter } from '../../core/filter.js';
import { encodeFacts, encodeReport, factOf, type LoginFact } from '../../core/logins/facts.js';
import { cleanLogin, type DeadJudgement } from '../../core/logins/judge.js';
import { LoginPartition, type FilterVerdict, type PartitionRules } from '../../core/logins/partition.js';
import type { LoginFields } from '../../core/logins/rules.js';
import { requireIdentity, requireOrder, talliesOf, tallyCounts } from '../../core/logins/tally.js';
import { encodeProvenance, PROVENANCE_HEADER, setProvenanceOffset } from '../../core/provenance.js';
import { asBuffer, asStateRecords } from '../as-buffer.js';
import type { StateRecord } from '../checkpoint-store.js';
import type { Processor, SourceBatch, SourcePosition } from '../processor.js';
import { encodeHeader } from '../record-batch-builder.js';
import type { RecordCursor } from '../record-batch.js';
import type { Output } from '../transactional-writer.js';

export interface LoginsOptions {
  readonly job: string;
  readonly source: { readonly topic: string; readonly topicId: string };
  /** The source partitions this slice reads, each with its end when the job is bounded. */
  readonly partitions: readonly {
    readonly partition: number;
    readonly startOffset: number;
    readonly endOffset?: number;
  }[];
  readonly rules: PartitionRules;
  /** CEL over the clean record. */
  readonly filter: string | undefined;
  /** As many partitions as the source: a partition's messages stay together, in their order. */
  readonly clean: string;
  readonly dlq: { readonly topic: string; readonly partitions: number };
  /** Where the merge stage reads what this slice has found clean. */
  readonly partials: { readonly topic: string; readonly partition: number };
  /** A partition that brought nothing for so long, and is read to its end, holds nobody back. Bounded jobs have no use for it. */
  readonly idleMs: number;
  readonly now: () => number;
}

/** Facts of a record, about 150 bytes each and 400 at most. */
const FACTS_PER_RECORD = 500;
/** Of a dead letter's `failed-at`: what any reader of dates can say. */
const LAST_INSTANT_MS = 8.64e15;

/**
 * First stage of cleaning logins on the stream engine: each message becomes a clean record, a dead letter or nothing but a
 * count. What is clean goes to the merge stage as well, in the same transaction.
 */
export class LoginsProcessor implements Processor {
  readonly #options: LoginsOptions;
  readonly #partitions = new Map<number, LoginPartition>();
  readonly #ends: ReadonlyMap<number, number | undefined>;
  /** When each partition last brought something, ms of the clock given. */
  readonly #heardMs = new Map<number, number>();
  readonly #filter: Filter | undefined;
  #facts: LoginFact[] = [];

  constructor(options: LoginsOptions) {
    this.#options = options;
    const { filter, rules, partitions } = options;
    this.#filter = filter === undefined ? undefined : compileFilter({ filter });
    this.#ends = new Map(partitions.map(({ partition, endOffset }) => [partition, endOffset]));
    for (const { partition, startOffset } of partitions) {
      this.#partitions.set(partition, new LoginPartition(partition, startOffset, rules));
      this.#heardMs.set(partition, options.now());
    }
  }

  restore(state: readonly StateRecord[], counts: Readonly<Record<string, number>>): void {
    const tallies = new Map(talliesOf(counts).map((tally) => [tally.partition, tally]));
    for (const [id, partition] of this.#partitions) {
      const wasIdle = partition.restore(state, tallies.get(id));
      // Such a one has been silent for long enough, should there be nothing more of it.
      if (wasIdle) this.#heardMs.set(id, Number.NEGATIVE_INFINITY);
    }
  }

  process({ partition: id, batch, startOffset, endOffset }: SourceBatch, output: Output): number {
    this.#heardMs.set(id, this.#options.now());
    const partition = this.#partitions.get(id)!;
    const cursor = batch.records(startOffset, endOffset);
    const provenance = this.#provenance(id);
    let records = 0;
    while (cursor.next()) {
      records++;
      requireOrder(this.#options.job, partition.tally, cursor.offset);
      const outcome = partition.take(
        cursor.offset,
        cursor.value(),
        this.#filter && ((login) => this.#verdict(login, id, cursor)),
      );
      if (outcome.outcome === 'clean') this.#clean(outcome.login, id, cursor, provenance, output);
      else if (outcome.outcome === 'dlq') this.#bury(outcome, id, cursor, batch.maxTimestampMs, output);
    }
    return records;
  }

  /** Partitions read to their end, for good or for now, hold nobody back. */
  tick(nowMs: number, positions: ReadonlyMap<number, SourcePosition>): boolean {
    let changed = false;
    for (const [id, { nextOffset, lastStableOffset }] of positions) {
      const partition = this.#partitions.get(id)!;
      const endOffset = this.#ends.get(id);
      if (endOffset !== undefined) {
        if (nextOffset >= endOffset && partition.rest('ended')) changed = true;
      } else {
        const isQuiet = nowMs - this.#heardMs.get(id)! >= this.#options.idleMs;
        if (nextOffset === lastStableOffset && isQuiet && partition.rest('idle')) changed = true;
      }
    }
    return changed;
  }

  /** @throws PipelineError `IDENTITY_BROKEN`: then nothing of this transaction is written. */
  snapshot(output: Output): StateRecord[] {
    this.#tellFacts(output);
    const changed = [...this.#partitions.values()].filter(({ isDirty }) => isDirty);
    for (const { tally, time } of changed) {
      requireIdentity(this.#options.job, tally);
      this.#tell(encodeReport({ tally, timeS: time.timeS ?? null, reading: time.reading }), output);
    }
    return changed.flatMap((partition) => asStateRecords(partition.snapshot()));
  }

  counts(): Record<string, number> {
    return tallyCounts([...this.#partitions.values()].map(({ tally }) => tally));
  }

  finish(): void {
    for (const partition of this.#partitions.values()) partition.rest('ended');
  }

  #verdict(login: LoginFields, partition: number, cursor: RecordCursor): FilterVerdict {
    const verdict = this.#filter!({
      timestampMs: cursor.timestampMs,
      partition,
      offset: cursor.offset,
      keyText: () => login.user_id,
      valueText: () => JSON.stringify(cleanLogin(login)),
      headers: () =>
        new Map([...cursor.headers()].map(({ name, value }) => [name, value && value.toString('utf8')])),
    });
    // A filter without a window looks at no time: nothing is `outside` or `unreadable`.
    return verdict === 'selected' || verdict === 'filtered' ? verdict : 'undecided';
  }

  #clean(
    login: LoginFields,
    partition: number,
    cursor: RecordCursor,
    provenance: Buffer,
    output: Output,
  ): void {
    setProvenanceOffset(provenance, 0, cursor.offset);
    output.write(this.#options.clean, partition, {
      timestampMs: cursor.timestampMs,
      key: Buffer.from(login.user_id),
      value: Buffer.from(JSON.stringify(cleanLogin(login))),
      headers: [{ name: PROVENANCE_HEADER, value: provenance }],
    });
    this.#facts.push(factOf(login));
    if (this.#facts.length >= FACTS_PER_RECORD) this.#tellFacts(output);
  }

  #bury(
    { stage, reason, reasons }: DeadJudgement,
    partition: number,
    cursor: RecordCursor,
    batchTimeMs: number,
    output: Output,
  ): void {
    const { job, source, dlq } = this.#options;
    const timestampMs = Math.min(Math.max(cursor.timestampMs, -1), LAST_INSTANT_MS);
    const failedAtMs = Math.min(Math.max(batchTimeMs, -1), LAST_INSTANT_MS);
    const headers = deadLetterHeaders({
      stage,
      reason,
      reasons,
      source: { ...source, partition, offset: cursor.offset, timestampMs },
      job,
      attempt: cursor.headerCount === 0 ? 0 : attemptOf(cursor.headers()),
      failedAtMs,
    });
    const added = Buffer.concat(headers.map(({ name, value }) => encodeHeader(name, value)));
    output.copy(dlq.topic, partition % dlq.partitions, cursor, cursor.timestampMs, added, headers.length);
  }

  #tellFacts(output: Output): void {
    if (this.#facts.length === 0) return;
    this.#tell(encodeFacts(this.#facts), output);
    this.#facts = [];
  }

  #tell({ key, value }: { readonly key: string; readonly value: Uint8Array | null }, output: Output): void {
    const { topic, partition } = this.#options.partials;
    output.write(topic, partition, {
      timestampMs: this.#options.now(),
      key: Buffer.from(key),
      value: value && asBuffer(value),
    });
  }

  /** One value for all records of a partition: only the offset in it differs, and writing a record copies it. */
  #provenance(partition: number): Buffer {
    const { job, source } = this.#options;
    return encodeProvenance({ topicId: source.topicId, partition, offset: 0, job });
  }
}
