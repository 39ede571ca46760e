import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import { PipelineError } from '../core/errors.js';
import { readyFor } from './compression.js';
import { batchesOf, committedBatches, largestBatchBytes } from './fetched-batches.js';
import type { KafkaConnection } from './kafka-connection.js';
import { check, OFFSET_OUT_OF_RANGE } from './kafka-errors.js';
import { isMoving } from './kafka-connection.js';
import { listOffsets } from './list-offsets.js';
import {
  PARTITION_BYTES,
  ReadPositions,
  wholeBatches,
  type Gap,
  type Position,
  type ReadRange,
} from './read-positions.js';
import type { RecordBatch } from './record-batch.js';
import {
  EARLIEST,
  fetchRequest,
  LATEST,
  READ_COMMITTED,
  READ_UNCOMMITTED,
  type FetchedPartition,
} from './requests.js';

/** What a read brought of one partition: the committed batches of `[startOffset, nextOffset)`. */
export interface ReadBatches {
  readonly kind: 'batches';
  readonly partition: number;
  /** `[startOffset, endOffset)` bounds the records: pass both to `batch.records`. */
  readonly startOffset: number;
  readonly endOffset: number;
  /** Where the partition goes on: also past batches that held nothing to see. */
  readonly nextOffset: number;
  readonly lastStableOffset: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** May be walked once, before the next but one `read`. @throws PipelineError `CORRUPT_BATCH`. */
  readonly batches: () => Generator<RecordBatch>;
}

export type ReadEvent = ReadBatches | Gap;

export interface ReaderOptions {
  readonly isolation?: number;
  /** How long the broker may wait for new records when there are none. */
  readonly maxWaitMs?: number;
  /** The topic's id when the ranges were chosen: another one now makes the rest of every range a gap. */
  readonly topicId?: string;
}

/** Bytes asked of one broker in one fetch: what four partitions are asked for at most. */
const RESPONSE_BYTES = 4 * wholeBatches(PARTITION_BYTES);
/** Reads for which an event's batches stay valid: the one that brought it and the next. */
const VALID_READS = 2;

interface Answer {
  readonly events: ReadEvent[];
  readonly failures: Error[];
  /** A view into each response that events look into. */
  readonly responses: Buffer[];
}

type Fetched = Pick<Answer, 'events' | 'responses'>;

/**
 * Reads exact offset ranges of one topic without a consumer group, read_committed, one fetch ahead of the caller.
 * Follows leaders; reports gaps and goes on behind them; the caller decides what a gap means.
 */
export class LogReader {
  readonly #connection: KafkaConnection;
  readonly #topic: string;
  readonly #options: Required<Omit<ReaderOptions, 'topicId'>>;
  readonly #topicId: string | undefined;
  readonly #positions: ReadPositions;
  #ahead: Promise<Fetched> | undefined;
  /** Of the last fetch: what was not handed out yet, and the responses behind all of it. */
  readonly #waiting: ReadEvent[] = [];
  #responses: readonly Buffer[] = [];
  /** Responses behind what the last reads returned, oldest first. */
  readonly #lent: (readonly Buffer[])[] = [];
  /** A leader moved: look it up before the next fetch. */
  #stale = false;
  #progressAt = performance.now();

  constructor(
    connection: KafkaConnection,
    topic: string,
    ranges: readonly ReadRange[],
    options: ReaderOptions = {},
  ) {
    this.#connection = connection;
    this.#topic = topic;
    this.#topicId = options.topicId;
    this.#options = {
      isolation: options.isolation ?? READ_COMMITTED,
      maxWaitMs: options.maxWaitMs ?? 500,
    };
    this.#positions = new ReadPositions(topic, ranges);
  }

  /**
   * What a fetch brought of its next partition: one event, or none when it brought nothing; undefined once every range is
   * read to its end.
   * @throws PipelineError when the brokers cannot be asked for longer than the connection's patience, or a batch is corrupt.
   */
  async read(): Promise<ReadEvent[] | undefined> {
    if (this.#lent.length === VALID_READS) this.#giveBack(this.#lent.shift()!);
    // Between partitions the socket is emptied: a broker sends no further than what a caller who is busy leaves in there.
    if (this.#waiting.length > 0) await turnOfTheEventLoop();
    else if (!(await this.#nextFetch())) return undefined;
    const events = this.#waiting.splice(0, 1);
    this.#lent.push(this.#waiting.length === 0 ? this.#responses : []);
    return events;
  }

  /** False once every range is read to its end. */
  async #nextFetch(): Promise<boolean> {
    const { events, responses } = await (this.#ahead ?? this.#fetch());
    this.#ahead = undefined;
    this.#waiting.push(...events);
    this.#responses = responses;
    if (events.length > 0) this.#progressAt = performance.now();
    if (this.#positions.active.length === 0) return events.length > 0;
    this.#checkProgress();
    this.#ahead = this.#fetch();
    this.#ahead.catch(() => undefined); // thrown by a later read
    return true;
  }

  /** Leaves these partitions out, from the fetch after the one under way. Pausing all that have something left reads on. */
  pause(partitions: readonly number[]): void {
    this.#positions.pause(partitions);
  }

  /** Whether the next `read` has something of the last fetch to hand out. */
  get hasMore(): boolean {
    return this.#waiting.length > 0;
  }

  /** The last stable offset of a partition as the broker last said, also where there was nothing to read; -1 before. */
  lastStableOffset(partition: number): number {
    return this.#positions.of(partition)?.lastStableOffset ?? -1;
  }

  /** @throws PipelineError `TOPIC_RECREATED` when the topic is not the one the ranges were chosen from. */
  async verifyTopic(): Promise<void> {
    if (await this.#isRecreated()) {
      throw new PipelineError(
        'TOPIC_RECREATED',
        `reading ${this.#topic}: it was deleted and created again meanwhile`,
        { at: { topic: this.#topic } },
      );
    }
  }

  async #isRecreated(): Promise<boolean> {
    if (this.#topicId === undefined) return false;
    const { topicId } = await this.#connection.topic(this.#topic, true);
    return topicId !== this.#topicId;
  }

  /** A bounded range always has something to read; an end beyond the log (an unclean election) must not hang. */
  #checkProgress(): void {
    if (performance.now() - this.#progressAt < this.#connection.patienceMs) return;
    const stuck = this.#positions.active.find((position) => position.endOffset !== Number.POSITIVE_INFINITY);
    if (stuck === undefined) return;
    throw new PipelineError(
      'NO_PROGRESS',
      `reading ${this.#topic}-${stuck.partition}: the log ends before the range`,
      {
        retryable: true,
        at: { topic: this.#topic, partition: stuck.partition, offset: String(stuck.offset) },
      },
    );
  }

  /**
   * One fetch of every leader. What arrived has moved its position, so it is handed on even when another leader could not
   * be asked; that one is looked up before the next fetch.
   */
  async #fetch(): Promise<Fetched> {
    return this.#connection.whileMoving(async (fresh) => {
      if (fresh || this.#stale) {
        if (await this.#isRecreated()) return { events: this.#positions.loseTheRest(), responses: [] };
        await this.#connection.topic(this.#topic, true);
        this.#stale = false;
      }
      const answers = await Promise.all(
        [...(await this.#byLeader())].map(([leader, positions]) => this.#fetchFrom(leader, positions)),
      );
      const events = answers.flatMap((answer) => answer.events);
      const failures = answers.flatMap((answer) => answer.failures);
      const fault = failures.find((failure) => !isMoving(failure)) ?? (events.length === 0 && failures[0]);
      if (fault) throw fault;
      this.#stale = failures.length > 0;
      return { events, responses: answers.flatMap((answer) => answer.responses) };
    });
  }

  #giveBack(responses: readonly Buffer[]): void {
    for (const response of responses) this.#connection.buffers.give(response);
  }

  async #byLeader(): Promise<Map<number, Position[]>> {
    const byLeader = new Map<number, Position[]>();
    for (const position of this.#positions.next) {
      const leader = await this.#connection.leader(this.#topic, position.partition);
      const led = byLeader.get(leader);
      if (led === undefined) byLeader.set(leader, [position]);
      else led.push(position);
    }
    return byLeader;
  }

  async #fetchFrom(leader: number, positions: Position[]): Promise<Answer> {
    const { isolation, maxWaitMs } = this.#options;
    const targets = positions.map(({ partition, offset, maxBytes }) => ({
      partition,
      fetchOffset: offset,
      maxBytes,
    }));
    const answer: Answer = { events: [], failures: [], responses: [] };
    try {
      const response = await this.#connection.send(
        leader,
        fetchRequest({ topic: this.#topic, targets, maxWaitMs, maxBytes: RESPONSE_BYTES, isolation }),
      );
      check(response.errorCode, `fetching ${this.#topic}`, { topic: this.#topic });
      if (response.partitions[0] !== undefined) answer.responses.push(response.partitions[0].bytes);
      this.#positions.wasFirst(positions[0]!);
      for (const fetched of response.partitions) {
        const position = positions.find(({ partition }) => partition === fetched.partition);
        if (position === undefined) continue;
        if (fetched.errorCode === 0) position.lastStableOffset = fetched.lastStableOffset;
        try {
          const event = await this.#advance(position, fetched);
          if (event) answer.events.push(event);
          else this.#positions.cameEmpty(position, fetched, positions.length === 1, response.throttleMs);
        } catch (error) {
          answer.failures.push(asError(error));
        }
      }
    } catch (error) {
      answer.failures.push(asError(error));
    }
    return answer;
  }

  async #advance(position: Position, fetched: FetchedPartition): Promise<ReadEvent | undefined> {
    if (fetched.errorCode === OFFSET_OUT_OF_RANGE) return this.#gap(position);
    const at = { topic: this.#topic, partition: position.partition, offset: String(position.offset) };
    check(fetched.errorCode, `fetching ${this.#topic}-${position.partition}`, at);
    const startOffset = position.offset;
    let nextOffset = startOffset;
    for (const batch of batchesOf(fetched.bytes)) {
      nextOffset = batch.nextOffset;
      if (batch.compression !== 'none') await readyFor(batch.compression);
    }
    // An empty answer says nothing of batches.
    if (fetched.bytes.length > 0) position.maxBytes = wholeBatches(largestBatchBytes(fetched.bytes));
    if (nextOffset <= startOffset) return undefined;
    const { endOffset } = position;
    position.offset = Math.min(nextOffset, endOffset);
    position.askAlone = false;
    return {
      kind: 'batches',
      partition: position.partition,
      startOffset,
      endOffset,
      nextOffset: position.offset,
      lastStableOffset: fetched.lastStableOffset,
      highWatermark: fetched.highWatermark,
      logStartOffset: fetched.logStartOffset,
      batches: () => committedBatches(verified(fetched.bytes, startOffset, endOffset), fetched.aborted),
    };
  }

  async #gap(position: Position): Promise<Gap | undefined> {
    const { partition, offset, endOffset } = position;
    if (await this.#isRecreated()) return this.#positions.lose(position);
    const [earliest, latest] = await Promise.all(
      [EARLIEST, LATEST].map(async (timestamp) => {
        const listed = await listOffsets(
          this.#connection,
          this.#topic,
          [partition],
          timestamp,
          READ_UNCOMMITTED,
        );
        return listed.get(partition)?.offset ?? 0;
      }),
    );
    if (latest !== undefined && offset > latest) return this.#positions.lose(position);
    if (earliest === undefined || earliest <= offset) return undefined; // it moved between the two questions: fetch again
    position.offset = Math.min(earliest, endOffset);
    return { kind: 'gap', partition, startOffset: offset, endOffset: position.offset, reason: 'expired' };
  }
}

/** The batches that overlap `[startOffset, endOffset)`, each with its checksum checked. */
function* verified(bytes: Buffer, startOffset: number, endOffset: number): Generator<RecordBatch> {
  for (const batch of batchesOf(bytes)) {
    if (batch.baseOffset >= endOffset) return;
    if (batch.nextOffset <= startOffset) continue;
    batch.verifyChecksum();
    yield batch;
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
